/** What stands today under a plan: buildings to paint by, and the borders of streets around. */

import { CanvasTiles } from "../canvas.js";
import { paintBuildings } from "../layers/buildings.js";
import { colour } from "../palette.js";
import { batches } from "../tiles.js";

/** Show them. */
export function show(district, { tiles }) {
  const layer = new CanvasTiles(district.source(tiles), (...given) => paint(district.base, ...given), { pane: "ink" }).addTo(district.map);
  document.addEventListener("theme", () => layer.repaint());
}

function paint(base, context, tile, frame) {
  const { zoom, px } = frame;
  base.paint(context, tile, frame);
  paintBuildings(context, tile, { zoom, px }, { far: 0.6, near: 0.9 });
  const streets = tile.of("area").filter(({ properties }) => properties.level === "street" || properties.level === "district");
  context.strokeStyle = colour("map-street-border");
  context.lineWidth = 1.5 * px;
  context.setLineDash([10 * px, 4 * px, 2 * px, 4 * px]);
  batches(context, streets, () => context.stroke());
  context.setLineDash([]);
}
