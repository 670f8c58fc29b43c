// A drawing two devices make together, with a pointer or with the arrow keys.
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { KeyboardEvent, PointerEvent, ReactNode } from 'react';
import type { Array as YArray } from 'yjs';
import type { DemoDevice, DeviceName, Presence, Stroke } from './demo-device.js';
import { newStroke } from './sample.js';

const WIDTH = 800;
const HEIGHT = 320;
const STEP = 10;
const STEP_LONG = 40;
/** Lines of a drawing, and points of one line. */
const STROKES_MAX = 500;
const POINTS_MAX = 600;
/** How often a line that is drawn is told to the others. */
const TELL_MS = 40;
const PRESENCE_MS = 60;
type Point = readonly [x: number, y: number];

export function Drawing({ device }: { readonly device: DemoDevice }): ReactNode {
  const paths = usePaths(device);
  const others = useOthers(device);
  const pen = useMemo(() => new Pen(device), [device]);
  const [keys, setKeys] = useState<{ readonly at: Point; readonly isDown: boolean } | null>(null);
  const place = (event: PointerEvent<SVGSVGElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return clamped([((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT]);
  };
  const press = (event: KeyboardEvent): void => {
    const { at, isDown } = keys ?? { at: [WIDTH / 2, HEIGHT / 2] as const, isDown: false };
    const to = stepped(event, at);
    if (to !== null) {
      if (isDown) pen.draw(to);
      pen.hover(to);
      setKeys({ at: to, isDown });
    } else if (event.key === ' ') {
      if (isDown) pen.lift();
      else pen.begin(at);
      setKeys({ at, isDown: !isDown });
    } else return;
    event.preventDefault();
  };
  return (
    <div className="drawing">
      <div className="drawing-tools">
        <span aria-hidden="true">Drawing</span>
        <button type="button" className="quiet" onClick={() => device.undo.undo()}>
          Undo
        </button>
        <button type="button" className="quiet" onClick={() => device.doc.transact(() => device.strokes.delete(0, device.strokes.length), device)}>
          Clear
        </button>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="application"
        aria-label={`Drawing on the ${device.name}: arrow keys move the pen, Space puts it down and lifts it`}
        tabIndex={0}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pen.begin(place(event));
        }}
        onPointerMove={(event) => {
          if (event.buttons > 0) pen.draw(place(event));
          pen.hover(place(event));
        }}
        onPointerUp={() => pen.lift()}
        onPointerCancel={() => pen.lift()}
        onPointerLeave={() => pen.hover(null)}
        onKeyDown={press}
        onBlur={() => {
          pen.lift();
          pen.hover(null);
          setKeys(null);
        }}
      >
        {paths.map(({ key, by, d }) => (
          <path key={key} className={`stroke stroke-${by}`} d={d} />
        ))}
        {others.map(({ name, pen: at }) => at !== null && <circle key={name} className={`pen stroke-${name}`} cx={at[0]} cy={at[1]} r={9} />)}
        {keys !== null && <circle className={keys.isDown ? 'pen pen-own pen-down' : 'pen pen-own'} cx={keys.at[0]} cy={keys.at[1]} r={7} />}
      </svg>
      <p className="hidden" role="status">
        {keys === null ? '' : keys.isDown ? 'The pen is down' : 'The pen is up'}
      </p>
    </div>
  );
}

/** Draws into the document, a few times a second. */
class Pen {
  readonly #device: DemoDevice;
  #points: YArray<number> | null = null;
  #waiting: number[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #told = 0;

  constructor(device: DemoDevice) {
    this.#device = device;
  }

  begin(at: Point): void {
    const { doc, strokes, name } = this.#device;
    this.lift();
    if (strokes.length >= STROKES_MAX) return;
    doc.transact(() => strokes.push([newStroke(name, at)]), this.#device);
    const points = strokes.get(strokes.length - 1).get('points');
    this.#points = typeof points === 'string' || points === undefined ? null : points;
  }

  draw(at: Point): void {
    if (this.#points === null || this.#points.length + this.#waiting.length > POINTS_MAX) return;
    this.#waiting.push(...at);
    this.#timer ??= setTimeout(() => this.#flush(), TELL_MS);
  }

  lift(): void {
    this.#flush();
    this.#points = null;
  }

  /** Tells the others where the pen is. */
  hover(at: Point | null): void {
    const now = performance.now();
    if (at !== null && now - this.#told < PRESENCE_MS) return;
    this.#told = now;
    if (this.#device.space.getSnapshot() !== null) this.#device.tell(at);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#waiting.splice(0);
    const points = this.#points;
    // The other device may have cleared the drawing meanwhile.
    if (waiting.length > 0 && points !== null && points.parent !== null) this.#device.doc.transact(() => points.push(waiting), this.#device);
  }
}

interface Path {
  readonly key: number;
  readonly by: string;
  readonly d: string;
}

function usePaths({ strokes }: DemoDevice): readonly Path[] {
  const store = useMemo(() => {
    let paths = strokes.map(pathOf);
    return {
      subscribe: (listener: () => void) => {
        const changed = (): void => {
          paths = strokes.map(pathOf);
          listener();
        };
        strokes.observeDeep(changed);
        return () => strokes.unobserveDeep(changed);
      },
      getSnapshot: () => paths,
    };
  }, [strokes]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}

/** Rounded where it turns: every middle of two points is passed, and the points pull. */
function pathOf(stroke: Stroke, key: number): Path {
  const points = stroke.get('points');
  const flat = typeof points === 'string' || points === undefined ? [] : points.toArray();
  const by = stroke.get('by') === 'phone' ? 'phone' : 'laptop';
  const [x = 0, y = 0] = flat;
  let d = `M${x} ${y}`;
  for (let at = 2; at + 3 < flat.length; at += 2) {
    const [cx = 0, cy = 0, nx = 0, ny = 0] = flat.slice(at, at + 4);
    d += `Q${cx} ${cy} ${(cx + nx) / 2} ${(cy + ny) / 2}`;
  }
  const [lastX = x, lastY = y] = flat.slice(-2);
  return { key, by, d: `${d}L${lastX} ${lastY}` };
}

function useOthers(device: DemoDevice): readonly Presence[] {
  const [others, setOthers] = useState<readonly Presence[]>([]);
  const read = useCallback(() => {
    const { awareness } = device.provider;
    setOthers([...awareness.getStates()].filter(([id]) => id !== awareness.clientID).map(([, state]) => state as unknown as Presence).filter(isPresence));
  }, [device]);
  useEffect(() => {
    const listen = (): void => {
      if (device.space.getSnapshot() !== null) device.provider.awareness.on('change', read);
    };
    listen();
    const stop = device.space.subscribe(listen);
    return () => {
      stop();
      if (device.space.getSnapshot() !== null) device.provider.awareness.off('change', read);
    };
  }, [device, read]);
  return others;
}

function isPresence({ name, pen }: Partial<Presence>): boolean {
  const names: readonly (DeviceName | undefined)[] = ['laptop', 'phone'];
  return names.includes(name) && (pen === null || (Array.isArray(pen) && pen.every((value) => typeof value === 'number')));
}

function stepped({ key, shiftKey }: KeyboardEvent, [x, y]: Point): Point | null {
  const step = shiftKey ? STEP_LONG : STEP;
  const steps: Readonly<Record<string, Point>> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const by = steps[key];
  return by === undefined ? null : clamped([x + by[0], y + by[1]]);
}

function clamped([x, y]: Point): Point {
  return [Math.round(Math.min(WIDTH, Math.max(0, x))), Math.round(Math.min(HEIGHT, Math.max(0, y)))];
}
