// A small line over time: the figure in words, its last two minutes as a shape. Screen readers get the words.
import { h, replace, svg } from './dom.js';

const WIDTH = 240;
const HEIGHT = 44;
const POINTS_MAX = 120;

export interface Chart {
  readonly element: HTMLElement;
  show(values: readonly number[]): void;
}

/** `text` writes one value; the unit stands behind it. */
export function chart(title: string, unit: string, text: (value: number) => string): Chart {
  const figure = h('p', { class: 'figure' });
  const peak = h('span', { class: 'peak' });
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line' });
  const ground = svg('path', { class: 'ground', d: `M0 ${HEIGHT - 1}L${WIDTH} ${HEIGHT - 1}` });
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ground, area, line);
  const element = h('section', { class: 'chart' }, h('h2', {}, title, peak), figure, picture);
  return {
    element,
    show(values) {
      const shown = values.slice(-POINTS_MAX);
      const now = shown.at(-1);
      const most = Math.max(0, ...shown);
      replace(figure, now === undefined ? '–' : text(now), h('span', { class: 'unit' }, ` ${unit}`));
      replace(peak, shown.length < 2 ? '' : `peak ${text(most)}`);
      const points = shown.map((value, index) => [WIDTH - (shown.length - 1 - index) * (WIDTH / (POINTS_MAX - 1)), HEIGHT - 2 - (most === 0 ? 0 : (value / most) * (HEIGHT - 6))] as const);
      const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
      line.setAttribute('d', path);
      area.setAttribute('d', points.length < 2 ? '' : `${path}L${WIDTH} ${HEIGHT}L${points[0]?.[0].toFixed(1) ?? '0'} ${HEIGHT}Z`);
    },
  };
}
