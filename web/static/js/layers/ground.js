/** Streets, communities, grids and buildings from one tile: fills on one pane, borders on another, picks that are exact. */

import { CanvasTiles, Sheet, tileUnder, tilesInView, zoomInView } from "../canvas.js";
import { colour } from "../palette.js";
import { TILE, batches } from "../tiles.js";
import { paintBuildings } from "./buildings.js";

const NEAR = 15.5; // zoom from which buildings are read one by one
const EDGE = 64; // tiles carry this much beyond their sides, in their pixels

/** Show the ground; offers `district.ground` with recolour, refocus, outline and pick. */
export function show(district, { tiles }) {
  const { map } = district;
  const source = district.source(tiles);
  const fill = new CanvasTiles(source, (...given) => paintFill(district, ...given), { pane: "fill", share: 0.5, opaque: true }).addTo(map);
  const ink = new CanvasTiles(source, (...given) => paintInk(district, ...given), { pane: "ink" }).addTo(map);
  const veil = new CanvasTiles(source, (...given) => paintFocus(district.focus, ...given), {
    pane: "veil",
    blank: (tile) => isWithin(district.focus, tile),
  });
  const outline = hoverOutline(map, source);
  document.addEventListener("theme", () => [fill, ink, veil].forEach((layer) => layer.repaint()));
  district.ground = {
    source,
    recolour: () => fill.repaint(),
    refocus: () => {
      const veiled = !isWhole(district.focus);
      if (veiled && map.hasLayer(veil)) return veil.repaint();
      if (veiled === map.hasLayer(veil)) return;
      if (veiled) veil.addTo(map);
      else veil.remove();
      ink.repaint();
    },
    /** What a change of borders or buildings touches, fetched anew; returns what shows it. */
    renew: async (touches) => {
      const swap = await source.renew(touches, zoomInView(map));
      return () => swap() && Promise.all([fill, ink, veil].map((layer) => layer.renew())).then(() => (district.labels?.renew(), document.dispatchEvent(new CustomEvent("ground"))));
    },
    outline,
    pick: (latlng) => pick(map, source, latlng),
  };
}

async function pick(map, source, latlng) {
  const { tile, x, y } = await tileUnder(map, source, latlng);
  const found = { district: null, street: null, community: null, grid: null, building: null };
  for (const { properties } of tile.holding("area", x, y)) found[properties.level] = properties;
  // On a shared border both sides hold the place; the lowest code wins, here as in the database.
  found.grid = lowest(tile.holding("grid", x, y));
  found.building = lowest(tile.holding("building", x, y));
  return found;
}

const lowest = (features) =>
  features.map(({ properties }) => properties).sort((a, b) => String(a.code ?? a.id).localeCompare(String(b.code ?? b.id)))[0] ?? null;

function paintFill(district, context, tile, { zoom }) {
  const colourOf = district.colourOf ?? (() => null);
  const groups = new Map();
  for (const grid of tile.of("grid")) {
    const paint = colourOf(grid.properties.id);
    if (!paint) continue;
    if (!groups.has(paint)) groups.set(paint, []);
    groups.get(paint).push(grid);
  }
  // What is behind shines through, but is painted: a pane with an opacity is put together anew in each frame.
  context.fillStyle = colour("map-void");
  context.fillRect(-EDGE, -EDGE, TILE + 2 * EDGE, TILE + 2 * EDGE);
  context.globalAlpha = strength(zoom);
  for (const [paint, grids] of groups) {
    context.fillStyle = paint === "hatch" ? hatch(context, { wide: 12 }) : paint;
    batches(context, grids, () => context.fill("evenodd"));
  }
  context.globalAlpha = 1;
}

/** How strong the fill is: the nearer, the more of the ground shows. */
const strength = (zoom) => (zoom >= NEAR ? 0.5 : zoom >= 14.5 ? 0.72 : Number(colour("fill-opacity")));

const nearness = (zoom) => Math.max(0, Math.min(1, (zoom - 12) / 4));

// A line of less than a pixel is a third of the work of a wider one, and as good while buildings are specks.
const gridWidth = (zoom) => (zoom < NEAR ? Math.min(0.98, 0.5 + nearness(zoom)) : 0.5 + nearness(zoom) * 1.4);

/** Grey hatching: no data, or nobody assigned; `wide` pixels from line to line, so that it lasts on canvases of fewer pixels. */
export function hatch(context, { tint = "faint", wide = 8 } = {}) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = wide;
  const pen = tile.getContext("2d");
  pen.fillStyle = colour("fill-none");
  pen.fillRect(0, 0, wide, wide);
  pen.strokeStyle = colour(tint);
  pen.globalAlpha = 0.5;
  pen.lineWidth = 0.15 * wide;
  pen.beginPath();
  for (const shift of [-wide, 0, wide]) {
    pen.moveTo(shift, wide);
    pen.lineTo(shift + wide, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function paintInk(district, context, tile, frame) {
  const { zoom, px } = frame;
  // Grid lines lie below water and roads: where nobody lives they say nothing. They are no stronger than what they divide.
  context.globalAlpha = strength(zoom);
  context.strokeStyle = colour("map-grid");
  context.lineWidth = gridWidth(zoom) * px;
  batches(context, tile.of("grid"), () => context.stroke());
  context.globalAlpha = 1;
  district.base?.paint(context, tile, frame);
  paintBuildings(context, tile, { zoom, px }, { far: 0.7, near: 1 });
  const areas = tile.of("area");
  const of = (level) => areas.filter(({ properties }) => properties.level === level);
  const lines = (features, tint, width) => {
    if (!features.length) return;
    context.strokeStyle = colour(tint);
    context.lineWidth = width * px;
    batches(context, features, () => context.stroke());
  };
  const near = nearness(zoom);
  lines(of("community"), "map-border-case", 2.2 + near * 1.8);
  lines(of("community"), "map-community", 0.8 + near * 0.9);
  lines(of("street"), "map-border-case", 4 + near * 2);
  lines(of("street"), "map-street-border", 1.5 + near * 1.1);
  lines(of("district"), "map-border-case", 6);
  lines(of("district"), "map-district", 2.25);
  // Beyond the district lies nothing of ours, so this needs no canvas above the marks.
  if (isWhole(district.focus)) paintMask(context, of("district"));
}

/** Whether nothing is chosen but all there is. */
const isWhole = ({ code, grid, building }) => !code && !grid && !building;

const chosenArea = (focus, tile) =>
  tile.of("area").filter(({ properties }) => (focus.code ? properties.code === focus.code : properties.level === "district"));

/** Whether a tile lies in the chosen area from side to side, with nothing in it to set off. */
function isWithin(focus, tile) {
  const inside = focus.grid || focus.building ? [] : chosenArea(focus, tile);
  if (inside.length !== 1 || inside[0].rings.length !== 1 || inside[0].rings[0].length > 8) return false;
  const [left, top, right, bottom] = inside[0].box;
  return left <= 0 && top <= 0 && right >= TILE && bottom >= TILE;
}

/** Everything outside steps back. */
function paintMask(context, inside) {
  context.fillStyle = colour("map-mask");
  context.beginPath();
  context.rect(-EDGE, -EDGE, TILE + 2 * EDGE, TILE + 2 * EDGE);
  for (const feature of inside) feature.trace(context);
  context.fill("evenodd");
}

/** The mask of the chosen area, and a line of light around what is chosen. */
function paintFocus(focus, context, tile, { px }) {
  const inside = chosenArea(focus, tile);
  paintMask(context, inside);
  const house = tile.of("building").filter(({ properties }) => properties.id === focus.building);
  context.fillStyle = colour("accent");
  batches(context, house, () => context.fill("evenodd"));
  const chosen = focus.grid ? tile.of("grid").filter(({ properties }) => properties.id === focus.grid) : focus.code ? inside : [];
  if (!chosen.length) return;
  for (const [tint, alpha, width] of [
    ["hot-case", 0.8, 7],
    ["accent", 1, 3],
  ]) {
    context.globalAlpha = alpha;
    context.strokeStyle = colour(tint);
    context.lineWidth = width * px;
    batches(context, chosen, () => context.stroke());
  }
  context.globalAlpha = 1;
}

/** The outline of what the pointer is on, drawn piece by piece so that tile seams stay unseen. */
function hoverOutline(map, source) {
  let wanted = null;
  let pieces = [];
  const sheet = new Sheet(
    (context, size, frame) => {
      for (const { tile, left, top, scale } of pieces) {
        const features = tile.of(wanted.layer).filter(({ properties }) => properties.id === wanted.id);
        if (!features.length) continue;
        context.save();
        context.translate(left - frame.origin.x, top - frame.origin.y);
        context.scale(scale, scale);
        context.beginPath();
        context.rect(0, 0, TILE, TILE);
        context.clip();
        context.beginPath();
        for (const feature of features) feature.trace(context);
        for (const [tint, width] of [
          ["hot-case", 5],
          ["accent", 2],
        ]) {
          context.strokeStyle = colour(tint);
          context.lineWidth = width / scale;
          context.stroke();
        }
        context.restore();
      }
    },
    { pane: "hover", blank: () => !pieces.length },
  ).addTo(map);
  const follow = async () => {
    pieces = wanted ? await tilesInView(map, source) : [];
    sheet.redraw();
  };
  map.on("moveend", follow);
  return (layer, id) => {
    if (wanted?.layer === layer && wanted?.id === id) return;
    wanted = layer ? { layer, id } : null;
    follow();
  };
}
