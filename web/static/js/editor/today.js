/** What stands today under a plan: buildings to paint by, and the borders of streets around. */

import { CanvasTiles } from "../canvas.js";
import { colour } from "../palette.js";
import { batches } from "../tiles.js";

const USES = {
  commercial: "map-building-2",
  office: "map-building-2",
  mixed: "map-building-2",
  public: "map-building-3",
  school: "map-building-3",
  medical: "map-building-3",
};

/** Show them. */
export function show(district, { tiles }) {
  const layer = new CanvasTiles(district.source(tiles), paint, { pane: "ink" }).addTo(district.map);
  document.addEventListener("theme", () => layer.repaint());
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
