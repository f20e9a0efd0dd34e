// Places of boxes in columns by level, ordered in each column by the barycentre of their neighbours (Sugiyama).
import type { Box, Drawing } from './rollup.ts';

export const WIDTH = 208;
export const HEIGHT = 46;
const GAP_X = 76;
const GAP_Y = 14;
const SWEEPS = 8;

export interface Placed {
  box: Box;
  x: number;
  y: number;
}

export interface Layout {
  placed: Map<string, Placed>;
  levels: number[];
  bounds: { x: number; y: number; width: number; height: number };
}

/** Return the left edge of the column of a level. */
export function columnX(level: number): number {
  return level * (WIDTH + GAP_X);
}

/** Return the places of a drawing; the columns are centred around y = 0. */
export function placed(drawing: Drawing): Layout {
  const columns = new Map<number, string[]>();
  for (const box of [...drawing.boxes].sort(compare)) columns.set(box.level, [...(columns.get(box.level) ?? []), box.key]);
  const levels = [...columns.keys()].sort((a, b) => a - b);
  const neighbours = neighboursOf(drawing);
  const order = new Map<string, number>();
  for (const keys of columns.values()) rank(keys, order);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const level of sweep % 2 ? [...levels].reverse() : levels) {
      const keys = columns.get(level) ?? [];
      const centre = new Map(keys.map((key) => [key, barycentre(neighbours.get(key) ?? [], order) ?? order.get(key) ?? 0]));
      keys.sort((a, b) => (centre.get(a) ?? 0) - (centre.get(b) ?? 0));
      rank(keys, order);
    }
  }
  return positions(drawing, columns, levels);
}

function compare(a: Box, b: Box): number {
  const [first, second] = [a.nodes[0], b.nodes[0]];
  if (!first || !second) return 0;
  return first.kind.localeCompare(second.kind) || first.name.localeCompare(second.name) || (first.id < second.id ? -1 : 1);
}

function neighboursOf(drawing: Drawing): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { from, to } of drawing.lines) {
    found.set(from, [...(found.get(from) ?? []), to]);
    found.set(to, [...(found.get(to) ?? []), from]);
  }
  return found;
}

// The rank of a box is its distance from the middle of its column, so that columns of different length compare.
function rank(keys: readonly string[], order: Map<string, number>): void {
  keys.forEach((key, at) => order.set(key, at - (keys.length - 1) / 2));
}

function barycentre(keys: readonly string[], order: Map<string, number>): number | null {
  if (!keys.length) return null;
  return keys.reduce((sum, key) => sum + (order.get(key) ?? 0), 0) / keys.length;
}

function positions(drawing: Drawing, columns: Map<number, string[]>, levels: number[]): Layout {
  const boxes = new Map(drawing.boxes.map((box) => [box.key, box]));
  const found = new Map<string, Placed>();
  let tallest = HEIGHT;
  for (const level of levels) {
    const keys = columns.get(level) ?? [];
    const height = keys.length * (HEIGHT + GAP_Y) - GAP_Y;
    tallest = Math.max(tallest, height);
    keys.forEach((key, at) => {
      const box = boxes.get(key);
      if (box) found.set(key, { box, x: columnX(level), y: at * (HEIGHT + GAP_Y) - height / 2 });
    });
  }
  const [first, last] = [levels[0] ?? 0, levels.at(-1) ?? 0];
  const width = columnX(last) - columnX(first) + WIDTH;
  return { placed: found, levels, bounds: { x: columnX(first), y: -tallest / 2, width, height: tallest } };
}

/** Return the middle of a line, where its sign is. */
export function middleOf(from: Placed, to: Placed): { x: number; y: number } {
  const y = (from.y + to.y + HEIGHT) / 2;
  if (from.box.level !== to.box.level) return { x: (from.x + to.x + WIDTH) / 2, y };
  const right = Math.max(from.x, to.x) + WIDTH;
  return { x: right + 0.75 * (26 + Math.min(36, Math.abs(from.y - to.y) / 8)), y };
}

/** Return the SVG path of a line between two boxes: forward, within a column, or back. */
export function pathOf(from: Placed, to: Placed): string {
  const [y1, y2] = [from.y + HEIGHT / 2, to.y + HEIGHT / 2];
  if (from.box.level < to.box.level) {
    const [x1, x2] = [from.x + WIDTH, to.x];
    const bend = Math.min(60, (x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  if (from.box.level > to.box.level) {
    const [x1, x2] = [from.x, to.x + WIDTH];
    const bend = Math.min(60, (x1 - x2) / 2);
    return `M${x1} ${y1}C${x1 - bend} ${y1} ${x2 + bend} ${y2} ${x2} ${y2}`;
  }
  const [x1, x2] = [from.x + WIDTH, to.x + WIDTH];
  const bulge = Math.max(x1, x2) + 26 + Math.min(36, Math.abs(y2 - y1) / 8);
  return `M${x1} ${y1}C${bulge} ${y1} ${bulge} ${y2} ${x2} ${y2}`;
}
