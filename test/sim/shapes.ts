import type { Dice } from './dice';

/** Pairs of node numbers that a wire joins; the first one dials. A pair may come twice: parallel links. */
export type Edges = readonly (readonly [number, number])[];

type Shape = (nodes: number, dice: Dice) => [number, number][];

const line: Shape = (nodes) => Array.from({ length: nodes - 1 }, (_, n) => [n, n + 1]);

const ring: Shape = (nodes) => Array.from({ length: nodes }, (_, n) => [n, (n + 1) % nodes]);

const star: Shape = (nodes) => Array.from({ length: nodes - 1 }, (_, n) => [n + 1, 0]);

/** Two ways between every other node: 0 -> 1, 2 -> 3 -> 4, 5 -> 6 … */
const diamonds: Shape = (nodes) => {
  const edges: [number, number][] = [];
  for (let top = 0; top + 1 < nodes; top += 3) {
    const [left, right, bottom] = [top + 1, top + 2, top + 3];
    edges.push([top, left]);
    if (right < nodes) edges.push([top, right]);
    if (bottom < nodes) edges.push([left, bottom], [right, bottom]);
  }
  return edges;
};

/** Each node dials one or two that are there already. */
const web: Shape = (nodes, dice) => {
  const edges: [number, number][] = [];
  for (let n = 1; n < nodes; n++) {
    edges.push([n, dice.below(n)]);
    if (n > 1 && dice.chance(0.5)) edges.push([n, dice.below(n)]);
  }
  return edges;
};

export const SHAPES = { line, ring, star, diamonds, web } as const;
export type ShapeName = keyof typeof SHAPES;

/** Edges of a shape, some of them double; a ring of three is the triangle. */
export function shapeEdges(shape: ShapeName, nodes: number, dice: Dice): Edges {
  const edges = SHAPES[shape](nodes, dice);
  if (dice.chance(0.3)) edges.push([...dice.pick(edges)] as [number, number]);
  return edges.map(([a, b]) => (dice.chance(0.5) ? [a, b] : [b, a]));
}
