/** What a dragged vertex would do: which faces follow it, and whether a border would then cross another. The server decides. */

import { meet } from "./shapes.js";

/** Begin to move a vertex: remembers the faces and edges that follow, so that each step costs little. */
export function lift(ground, vertex) {
  const faces = ground.usersOf(vertex);
  const { near, far } = edgesOf(ground, faces, vertex);
  return { vertex, faces, neighbours: near, fixed: far };
}

/** Neighbours of the vertex, and as flat numbers every edge of its faces that stays where it is. */
function edgesOf(ground, faces, vertex) {
  const { mx, my } = ground.vertices;
  const near = new Set();
  const far = [];
  const seen = new Set();
  for (const face of faces)
    for (const ring of face.rings())
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [a, b] = [ring[j], ring[i]];
        if (a === vertex) near.add(b);
        else if (b === vertex) near.add(a);
        else {
          const key = a < b ? a * ground.vertices.size + b : b * ground.vertices.size + a;
          if (!seen.has(key)) far.push(mx[a], my[a], mx[b], my[b], a, b);
          seen.add(key);
        }
      }
  return { near: [...near], far: Float64Array.from(far) };
}

/** Whether the vertex may lie at x, y of the Mercator square: none of its edges meets an edge it did not meet before. */
export function allowed(ground, { neighbours, fixed }, [x, y]) {
  const { mx, my } = ground.vertices;
  for (const end of neighbours)
    for (let i = 0; i < fixed.length; i += 6) {
      if (fixed[i + 4] === end || fixed[i + 5] === end) {
        // Edges that share an end meet there; folding one onto the other is the only harm.
        if (folded(fixed, i, end, [mx[end], my[end]], [x, y])) return false;
      } else if (meet(x, y, mx[end], my[end], fixed[i], fixed[i + 1], fixed[i + 2], fixed[i + 3])) return false;
    }
  return true;
}

function folded(fixed, i, end, [ex, ey], [x, y]) {
  const [ox, oy] = fixed[i + 4] === end ? [fixed[i + 2], fixed[i + 3]] : [fixed[i], fixed[i + 1]];
  const cross = (x - ex) * (oy - ey) - (y - ey) * (ox - ex);
  return cross === 0 && (x - ex) * (ox - ex) + (y - ey) * (oy - ey) > 0;
}

/** Rings of a face with the vertex at another place, as points of the Mercator square. */
export function moved(ground, face, vertex, place) {
  const { mx, my } = ground.vertices;
  return face.parts.flatMap((polygon) => polygon.map((ring) => Array.from(ring, (id) => (id === vertex ? place : [mx[id], my[id]]))));
}
