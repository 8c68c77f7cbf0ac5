/** Facilities by kind, from near only: points without a name to read would be noise from afar. */

import { Sheet, tilesInView } from "../canvas.js";
import { fromTile } from "../map.js";
import { colour } from "../palette.js";
import { onChange, state } from "../state.js";
import { nearest } from "./incidents.js";

/** Show facilities while their switch is on. */
export function show(district, { tiles }) {
  const { map } = district;
  const source = district.source(tiles);
  let found = [];
  let spots = [];
  const sheet = new Sheet(
    (context, size, frame) => {
      spots = [];
      for (const piece of found)
        for (const { properties, rings } of piece.tile.of("facility")) {
          const [x, y] = fromTile(piece, rings[0], frame);
          drawFacility(context, properties, x, y);
          spots.push({ kind: "facility", data: properties, x, y, radius: 7 });
        }
      spots.shift = frame.shift;
    },
    { pane: "marks" },
  ).addTo(map);
  const follow = async () => {
    found = state().layers.includes("facilities") ? await tilesInView(map, source, { padding: 0 }) : [];
    sheet.redraw();
  };
  map.on("moveend", follow);
  source.addEventListener("again", ({ detail }) => detail.push(follow()));
  onChange((now, before) => now.layers !== before.layers && follow());
  document.addEventListener("theme", () => sheet.redraw());
  district.marks.push((point) => nearest(spots, point));
  district.spots.push(() => spots);
  follow();
}

/** A facility's mark: a square that works, a diamond that does not; the legend shows the same. */
export function drawFacility(context, { status }, x, y) {
  const working = status === "working";
  context.save();
  context.translate(x, y);
  if (!working) context.rotate(Math.PI / 4);
  context.fillStyle = colour(working ? "good" : "alarm");
  context.strokeStyle = colour("open-case");
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(-4.5, -4.5, 9, 9, working ? 2 : 0);
  context.fill();
  context.stroke();
  context.restore();
}
