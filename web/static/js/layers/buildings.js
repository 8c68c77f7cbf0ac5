/** Buildings of a tile, tinted by what they are used for. */

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
const NEAR = 15.5; // zoom from which they are drawn at full strength

/** Fill and outline them; `far` is their opacity below NEAR, `near` that from there on. */
export function paintBuildings(context, tile, { zoom, px }, { far, near }) {
  const groups = new Map();
  for (const building of tile.of("building")) {
    const tint = USES[building.properties.use] ?? "map-building";
    if (!groups.has(tint)) groups.set(tint, []);
    groups.get(tint).push(building);
  }
  context.globalAlpha = zoom >= NEAR ? near : far;
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
}
