/** Water, green and roads: enough of a city to know where one is, quiet enough to read figures on. */

import { CanvasTiles } from "../canvas.js";
import { colour } from "../palette.js";
import { batches } from "../tiles.js";

// class → [first zoom, width at z13, width at z17, colour, casing from zoom]
const ROADS = [
  ["lane", 15.25, 0.4, 3, "map-lane", 99],
  ["local", 14, 0.5, 5, "map-street", 16],
  ["rail", 13, 0.8, 1.6, "map-rail", 99],
  ["collector", 12.5, 0.8, 8, "map-collector", 15],
  ["arterial", 10, 1.3, 12, "map-arterial", 14],
];

/**
 * Know the base map; offers `district.base` with its tiles and `paint`. The layer above paints it under its own lines, on the same
 * canvases; only where it stands `alone` has it some of its own.
 */
export function show(district, { tiles, alone = false }) {
  const source = district.source(tiles);
  district.base = { source, paint };
  if (!alone) return;
  const layer = new CanvasTiles(source, paint, { pane: "ink" }).addTo(district.map);
  document.addEventListener("theme", () => layer.repaint());
}

function paint(context, tile, { zoom, px }) {
  context.globalAlpha = 0.82;
  context.fillStyle = colour("map-green-over");
  batches(context, tile.of("green"), () => context.fill("evenodd"));
  context.globalAlpha = 1;
  const water = tile.of("water");
  context.fillStyle = colour("map-water");
  context.strokeStyle = colour("map-water-line");
  context.lineWidth = px;
  batches(context, water, () => {
    context.fill("evenodd");
    context.stroke();
  });
  for (const [name, from, thin, thick, tint, cased] of ROADS) {
    if (zoom < from) continue;
    const roads = tile.of("road").filter(({ properties }) => properties.class === name);
    const width = thin * (thick / thin) ** Math.max(0, Math.min(1.2, (zoom - 13) / 4));
    context.setLineDash(name === "rail" ? [4 * px, 3 * px] : []);
    if (zoom >= cased) {
      context.strokeStyle = colour("map-road-case");
      context.lineWidth = (width + 1.5) * px;
      batches(context, roads, () => context.stroke());
    }
    context.strokeStyle = colour(tint);
    context.lineWidth = width * px;
    batches(context, roads, () => context.stroke());
  }
  context.setLineDash([]);
}
