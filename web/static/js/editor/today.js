/** What stands today: buildings to paint by, streets and communities around, and borders as they were, dashed. */

import { CanvasTiles, Sheet, tilesInView } from "../canvas.js";
import { colour } from "../palette.js";
import { TILE, batches, trace } from "../tiles.js";

const USES = {
  commercial: "map-building-2",
  office: "map-building-2",
  mixed: "map-building-2",
  public: "map-building-3",
  school: "map-building-3",
  medical: "map-building-3",
};

/** Show buildings; offers `district.today.old(ids)` to draw today's borders of some grids. */
export function show(district, { tiles }) {
  const { map } = district;
  const source = district.source(tiles);
  const layer = new CanvasTiles(source, paint, { pane: "ink" }).addTo(map);
  let wanted = new Set();
  let pieces = [];
  const sheet = new Sheet((context, size, frame) => wanted.size && dashed(context, frame, pieces, wanted), { pane: "veil" }).addTo(map);
  const follow = async () => {
    pieces = wanted.size ? await tilesInView(map, source) : [];
    sheet.redraw();
  };
  map.on("moveend", follow);
  document.addEventListener("theme", () => {
    layer.repaint();
    sheet.redraw();
  });
  district.today = {
    old: (ids) => {
      wanted = new Set(ids);
      follow();
    },
  };
}

function paint(context, tile, { zoom, px }) {
  const groups = new Map();
  for (const building of tile.of("building")) {
    const tint = USES[building.properties.use] ?? "map-building";
    if (!groups.has(tint)) groups.set(tint, []);
    groups.get(tint).push(building);
  }
  context.globalAlpha = zoom >= 15.5 ? 0.9 : 0.6;
  context.strokeStyle = colour("map-building-line");
  context.lineWidth = (zoom >= 16.5 ? 1 : 0.5) * px;
  for (const [tint, group] of groups) {
    context.fillStyle = colour(tint);
    batches(context, group, () => {
      context.fill("evenodd");
      context.stroke();
    });
  }
  context.globalAlpha = 1;
  const streets = tile.of("area").filter(({ properties }) => properties.level === "street" || properties.level === "district");
  context.strokeStyle = colour("map-street-border");
  context.lineWidth = 1.5 * px;
  context.setLineDash([10 * px, 4 * px, 2 * px, 4 * px]);
  batches(context, streets, () => context.stroke());
  context.setLineDash([]);
}

/** Each piece within its own tile, so that the cuts at tiles' sides stay unseen. */
function dashed(context, frame, pieces, wanted) {
  context.strokeStyle = colour("edit-old");
  for (const { tile, left, top, scale } of pieces) {
    const grids = tile.of("grid").filter(({ properties }) => wanted.has(properties.id));
    if (!grids.length) continue;
    context.save();
    context.translate(left - frame.origin.x, top - frame.origin.y);
    context.scale(scale, scale);
    context.beginPath();
    context.rect(0, 0, TILE, TILE);
    context.clip();
    context.lineWidth = 2 / scale;
    context.setLineDash([7 / scale, 5 / scale]);
    context.beginPath();
    for (const grid of grids) trace(context, grid);
    context.stroke();
    context.restore();
  }
}
