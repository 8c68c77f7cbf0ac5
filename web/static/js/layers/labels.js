/** Names on the map: the more important first, none over another, beside marks rather than over them, all with a halo. */

import { Sheet, tilesInView } from "../canvas.js";
import { fromTile } from "../map.js";
import { colour } from "../palette.js";
import { named, namedIn, short } from "../words.js";

/** Where a name may stand, in its own halves from its place: there, or a little aside where marks are in the way. */
const PLACES = [[0, 0], [0, -2], [0, 2], [-1, 0], [1, 0], [-1, -2], [1, -2], [-1, 2], [1, 2], [0, -4], [0, 4]]; // prettier-ignore
const NARROW = 900; // on a map as wide as a phone's or little more, names do without the word that all of them share, pixels
const LESSER = 5; // names of this rank and above are left out rather than put over a mark
const FAMILY = () => getComputedStyle(document.body).fontFamily;

/** Show the labels that fit. */
export function show(district) {
  const { map } = district;
  let wanted = [];
  const sheet = new Sheet(
    (context, size, frame) => {
      const taken = { boxes: [], spots: spotsOf(district, frame) };
      for (const label of wanted) place(context, size, frame, { ...label, faint: outside(label, district.focus) }, taken);
    },
    { pane: "labels" },
  ).addTo(map);
  const follow = async () => {
    const zoom = map.getZoom();
    const [ground, base] = await Promise.all([tilesInView(map, district.ground.source), tilesInView(map, district.base.source)]);
    if (zoom !== map.getZoom()) return;
    const areas = areaLabels(ground, zoom, map.getSize().x < NARROW);
    wanted = [...areas, ...besides(areas, baseLabels(base, zoom)), ...gridLabels(ground, zoom)].sort((a, b) => a.rank - b.rank);
    sheet.redraw();
  };
  map.on("moveend", follow);
  for (const source of new Set([district.ground.source, district.base.source])) source.addEventListener("again", ({ detail }) => detail.push(follow()));
  document.addEventListener("theme", () => sheet.redraw());
  district.labels = { redraw: () => sheet.redraw(), renew: follow };
  follow();
}

/** Whether a name lies outside the chosen area; names of the base map have no side. */
function outside({ piece, at, properties }, { code }) {
  return Boolean(code && properties) && !piece.tile.holding("area", at[0], at[1]).some((area) => area.properties.code === code);
}

function areaLabels(pieces, zoom, narrow) {
  const shown =
    zoom < 14.5
      ? { street: [1, 15, 700, "map-label"] }
      : zoom < 16
        ? { community: [1, 14, 650, "map-label"], street: [0, 12, 600, "map-label-2"] }
        : { community: [1, 16, 650, "map-label"] };
  const found = points(pieces, "area_label").filter(({ properties }) => shown[properties.level]);
  const names = found.map(({ properties }) => named(properties));
  const texts = narrow ? short(names) : names;
  return found
    .map((point, which) => {
      const [rank, size, weight, tint] = shown[point.properties.level];
      return {
        ...point,
        name: names[which],
        text: texts[which],
        rank: point.properties.level === "street" && zoom >= 14.5 ? 6 : rank,
        size,
        weight,
        tint,
      };
    });
}

/** The names of the base map that no area has: a place is often called like the community around it, which is told once. */
function besides(areas, labels) {
  const told = new Set(areas.map(({ name }) => name));
  return labels.filter(({ text }) => !told.has(text));
}

const around = ({ piece, at }) =>
  piece.tile.holding("area", at[0], at[1]).find(({ properties }) => properties.level === "community")?.properties;

function gridLabels(pieces, zoom) {
  if (zoom < 15) return [];
  return points(pieces, "grid_label").map((point) => ({
    ...point,
    text: zoom >= 16 ? namedIn(point.properties, around(point)) : String(point.properties.no ?? "").replace(/^0+/, ""),
    rank: 4,
    size: zoom >= 16 ? 13 : 11.5,
    weight: 500,
    tint: "map-label-2",
  }));
}

/** One label per id; points beyond a side belong to the next tile. */
function points(pieces, layer) {
  const seen = new Map();
  for (const piece of pieces)
    for (const { properties, rings } of piece.tile.of(layer))
      if (!seen.has(properties.id)) seen.set(properties.id, { properties, piece, at: rings[0] });
  return [...seen.values()];
}

function baseLabels(pieces, zoom) {
  const best = new Map();
  const offer = (key, label, worth) => {
    if (label.text && worth > (best.get(key)?.worth ?? 0)) best.set(key, { ...label, worth });
  };
  for (const piece of pieces) {
    for (const { properties, box, rings } of piece.tile.of("water")) {
      const across = Math.min(box[2] - box[0], box[3] - box[1]);
      if (across > 40)
        offer(
          `w${named(properties)}`,
          {
            piece,
            at: middle(rings[0]),
            text: named(properties),
            rank: 3,
            size: 13,
            weight: 500,
            tint: "map-water-label",
            italic: true,
            spread: 3,
          },
          across,
        );
    }
    if (zoom >= 13.25)
      for (const { properties, box, rings } of piece.tile.of("green")) {
        const across = Math.min(box[2] - box[0], box[3] - box[1]);
        if (across > 55)
          offer(
            `n${named(properties)}`,
            { piece, at: middle(rings[0]), text: named(properties), rank: 5, size: 12, weight: 600, tint: "map-green-label" },
            across,
          );
      }
    if (zoom >= 14.5) for (const road of piece.tile.of("road")) offerRoad(road, piece, zoom, offer);
    if (zoom >= 14)
      for (const { properties, rings } of piece.tile.of("place"))
        offer(
          `n${named(properties)}`,
          { piece, at: rings[0], text: named(properties), rank: 5, size: 12, weight: 500, tint: "map-label-2" },
          1,
        );
  }
  // A river or a lake has its place's name already.
  return [...best].filter(([key]) => !(key[0] === "n" && best.has(`w${key.slice(1)}`))).map(([, label]) => label);
}

function offerRoad({ properties, rings }, piece, zoom, offer) {
  const text = named(properties);
  if (!text || (zoom < 15.5 && properties.class !== "arterial") || (zoom < 16.5 && properties.class === "lane")) return;
  for (const line of rings)
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x1, y1, x2, y2] = [line[i], line[i + 1], line[i + 2], line[i + 3]];
      const length = Math.hypot(x2 - x1, y2 - y1);
      const at = [(x1 + x2) / 2, (y1 + y2) / 2];
      if (length < 40 || at[0] < 0 || at[1] < 0 || at[0] > 512 || at[1] > 512) continue;
      let angle = Math.atan2(y2 - y1, x2 - x1);
      if (Math.abs(angle) > Math.PI / 2) angle += Math.PI;
      offer(`r${text}`, { piece, at, text, rank: 7, size: 11.5, weight: 400, tint: "map-road-label", angle }, length);
    }
}

function middle(ring) {
  let [x, y, n] = [0, 0, 0];
  for (let i = 0; i < ring.length; i += 2) {
    if (ring[i] < 0 || ring[i] > 512 || ring[i + 1] < 0 || ring[i + 1] > 512) continue;
    x += ring[i];
    y += ring[i + 1];
    n += 1;
  }
  return n ? [x / n, y / n] : [256, 256];
}

/** The marks on the map, where they lie on the sheet of the names. */
const spotsOf = (district, { shift }) =>
  district.spots.flatMap((of) => {
    const spots = of();
    const [x, y] = [(spots.shift?.x ?? 0) - shift.x, (spots.shift?.y ?? 0) - shift.y];
    // The dots of what is counted by cell are everywhere and stand for no place of their own.
    const single = spots.filter(({ kind }) => kind !== "incident_cell");
    return single.map((spot) => ({ x: spot.x + x, y: spot.y + y, radius: spot.radius }));
  });

function place(context, size, frame, label, { boxes, spots }) {
  const origin = fromTile(label.piece, label.at, frame);
  const text = size.x < NARROW ? label.size * 0.86 : label.size;
  context.font = `${label.italic ? "italic " : ""}${label.weight} ${text}px ${FAMILY()}`;
  context.letterSpacing = `${label.spread ?? 0}px`;
  const wide = context.measureText(label.text).width / 2 + 4;
  const high = label.size / 2 + 3;
  const reach = label.angle ? Math.max(wide * Math.abs(Math.cos(label.angle)), high) : wide;
  const rise = label.angle ? Math.max(wide * Math.abs(Math.sin(label.angle)), high) : high;
  const found = best({ origin, reach, rise, fixed: Boolean(label.angle) }, { size, frame, boxes, spots });
  if (!found || (found.covers && label.rank >= LESSER)) return;
  boxes.push(found.box);
  const [x, y] = found.at;
  context.save();
  context.globalAlpha = label.faint ? 0.4 : 1;
  context.translate(x, y);
  if (label.angle) context.rotate(label.angle);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  // Wide enough that the lines under a small name do not run into its letters.
  context.lineWidth = label.size > 13.5 ? 4.5 : 4;
  context.strokeStyle = colour("map-halo");
  context.strokeText(label.text, 0, 0);
  context.fillStyle = colour(label.tint);
  context.fillText(label.text, 0, 0);
  context.restore();
}

/** The place where a name hides the fewest marks, of those where it touches the fewest, the nearest; none where other names or the sides are in the way. */
function best({ origin, reach, rise, fixed }, { size, frame, boxes, spots }) {
  // Shown whole or not at all: the sheet is larger than the window by its padding.
  const { x: left, y: top } = frame.shift;
  let found = null;
  for (const [right, down] of fixed ? PLACES.slice(0, 1) : PLACES) {
    const at = [origin[0] + right * reach, origin[1] + down * rise];
    const box = [at[0] - reach, at[1] - rise, at[0] + reach, at[1] + rise];
    if (box[0] < -left || box[1] < -top || box[2] > size.x + left || box[3] > size.y + top) continue;
    if (boxes.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
    const touched = spots.filter(({ x, y, radius }) => x + radius > box[0] && x - radius < box[2] && y + radius > box[1] && y - radius < box[3]);
    const hidden = touched.filter(({ x, y }) => x > box[0] && x < box[2] && y > box[1] && y < box[3]).length;
    const covers = touched.length;
    if (!found || hidden < found.hidden || (hidden === found.hidden && covers < found.covers)) found = { at, box, hidden, covers };
    if (!covers) break;
  }
  return found;
}
