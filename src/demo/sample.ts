// What a new page begins with, written by the laptop like anything else.
import { Array as YArray, Map as YMap } from 'yjs';
import type { DemoDevice } from './demo-device.js';

const NOTE = 'Saturday\n\nBread and apricots from the market.\nCall Grandma about the garden gate.\nNobody but us can read this.';

/** A hill, a house and a sun. */
const STROKES: readonly (readonly number[])[] = [
  [40, 292, 120, 262, 220, 244, 330, 250, 430, 268, 540, 258, 640, 236, 760, 262],
  [300, 246, 300, 172],
  [446, 260, 446, 172],
  [276, 186, 373, 112],
  [373, 112, 470, 186],
  [356, 250, 356, 204],
  [356, 204, 392, 204],
  [392, 204, 392, 256],
  [420, 146, 420, 106],
  [560, 96, 572, 72, 598, 62, 624, 72, 636, 98, 626, 124, 600, 134, 574, 124, 560, 96],
  [598, 42, 598, 24],
  [598, 154, 598, 172],
  [540, 98, 520, 98],
  [656, 98, 676, 98],
  [150, 256, 150, 206],
  [150, 212, 122, 196, 116, 168, 134, 146, 162, 142, 184, 160, 184, 190, 150, 212],
];

/** Line by line, so that whoever opens the page sees something pass. */
const STROKE_EVERY_MS = 130;

export function plantSample(device: DemoDevice): void {
  device.note.insert(0, NOTE);
  const everyMs = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : STROKE_EVERY_MS;
  STROKES.forEach((points, at) => setTimeout(() => device.strokes.push([newStroke(device.name, points)]), at * everyMs));
}

export function newStroke(by: string, points: readonly number[]): YMap<string | YArray<number>> {
  const stroke = new YMap<string | YArray<number>>();
  stroke.set('by', by);
  stroke.set('points', YArray.from([...points]));
  return stroke;
}
