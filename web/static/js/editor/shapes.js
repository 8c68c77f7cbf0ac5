/** Plane geometry of what is drawn: pure functions on numbers, no map and no screen. */

/** Twice the signed area of a ring of points [[x, y], …]. */
export function twiceArea(points) {
  let sum = 0;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) sum += points[j][0] * points[i][1] - points[i][0] * points[j][1];
  return sum;
}

/** Whether a point lies inside a ring of points, by the even-odd rule. */
export function inside(ring, [x, y]) {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

/** On which side of the line a–b a point lies: positive left, negative right, 0 on it. */
export const side = (ax, ay, bx, by, px, py) => (bx - ax) * (py - ay) - (by - ay) * (px - ax);

const within = (a, b, p) => Math.min(a, b) <= p && p <= Math.max(a, b);

/** Whether two segments share any point. */
export function meet(ax, ay, bx, by, cx, cy, dx, dy) {
  const one = side(ax, ay, bx, by, cx, cy);
  const two = side(ax, ay, bx, by, dx, dy);
  const three = side(cx, cy, dx, dy, ax, ay);
  const four = side(cx, cy, dx, dy, bx, by);
  if (((one > 0 && two < 0) || (one < 0 && two > 0)) && ((three > 0 && four < 0) || (three < 0 && four > 0))) return true;
  if (one === 0 && within(ax, bx, cx) && within(ay, by, cy)) return true;
  if (two === 0 && within(ax, bx, dx) && within(ay, by, dy)) return true;
  if (three === 0 && within(cx, dx, ax) && within(cy, dy, ay)) return true;
  return four === 0 && within(cx, dx, bx) && within(cy, dy, by);
}

/** The point of the segment a–b nearest to p, and the square of its distance. */
export function nearestOn([ax, ay], [bx, by], [px, py]) {
  const [dx, dy] = [bx - ax, by - ay];
  const long = dx * dx + dy * dy;
  const share = long === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / long));
  const at = [ax + share * dx, ay + share * dy];
  return { at, away: (at[0] - px) ** 2 + (at[1] - py) ** 2 };
}

/** The length of a line of points. */
export function lengthOf(points) {
  let sum = 0;
  for (let i = 1; i < points.length; i++) sum += Math.hypot(points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]);
  return sum;
}

/** A hand-drawn line without the points that say nothing: none is further than `slack` from what is left. */
export function plainer(points, slack) {
  if (points.length < 3) return points;
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  const waiting = [[0, points.length - 1]];
  while (waiting.length) {
    const [from, to] = waiting.pop();
    let [worst, furthest] = [slack * slack, -1];
    for (let i = from + 1; i < to; i++) {
      const { away } = nearestOn(points[from], points[to], points[i]);
      if (away > worst) [worst, furthest] = [away, i];
    }
    if (furthest < 0) continue;
    kept[furthest] = 1;
    waiting.push([from, furthest], [furthest, to]);
  }
  return points.filter((_, i) => kept[i]);
}

/** A place well inside a polygon for its name: of the middles of its stretches on some level lines, the one furthest from any border. */
export function roomiest(rings, levels = 9) {
  let [low, high] = [Infinity, -Infinity];
  for (const [, y] of rings[0]) [low, high] = [Math.min(low, y), Math.max(high, y)];
  let best = { room: -1, at: rings[0][0] };
  for (let level = 1; level <= levels; level++) {
    const y = low + ((high - low) * level) / (levels + 1);
    const xs = crossings(rings, y);
    for (let i = 0; i + 1 < xs.length; i += 2) {
      const at = [(xs[i] + xs[i + 1]) / 2, y];
      const room = Math.min(xs[i + 1] - xs[i], 2 * Math.sqrt(roomAt(rings, at)));
      if (room > best.room) best = { room, at };
    }
  }
  return best.at;
}

/** The square of the distance from a place to the nearest edge. */
function roomAt(rings, at) {
  let least = Infinity;
  for (const ring of rings)
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) least = Math.min(least, nearestOn(ring[j], ring[i], at).away);
  return least;
}

function crossings(rings, y) {
  const xs = [];
  for (const ring of rings)
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i];
      const [xj, yj] = ring[j];
      if (yi > y !== yj > y) xs.push(((xj - xi) * (y - yi)) / (yj - yi) + xi);
    }
  return xs.sort((a, b) => a - b);
}

/** Lines of a geometry, whatever its kind; a point is a line of one. */
export function linesOf({ type, coordinates, geometries }) {
  if (type === "GeometryCollection") return geometries.flatMap(linesOf);
  if (type === "Point") return [[coordinates]];
  if (type === "MultiPoint" || type === "LineString") return [coordinates];
  if (type === "Polygon" || type === "MultiLineString") return coordinates;
  return coordinates.flat();
}
