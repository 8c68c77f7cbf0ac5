/** Officers where they were last seen; on duty is told by a full disc, off duty by a ring. */

import { ask } from "../api.js";
import { Sheet } from "../canvas.js";
import { colour } from "../palette.js";
import { onChange, state } from "../state.js";
import { nearest } from "./incidents.js";

/** Show officers while their switch is on; offers `district.officers.load(area)`. */
export function show(district) {
  let officers = [];
  let loaded = null;
  let spots = [];
  const on = () => state().layers.includes("officers");
  const sheet = new Sheet(
    (context, size, frame) => {
      spots = [];
      if (on())
        for (const officer of officers) {
          if (!officer.last_place) continue;
          const [x, y] = district.onSheet(officer.last_place, frame);
          if (x < 0 || y < 0 || x > size.x || y > size.y) continue;
          drawOfficer(context, officer, x, y, frame.zoom);
          spots.push({ kind: "officer", data: officer, x, y, radius: 9 });
        }
      spots.shift = frame.shift;
    },
    { pane: "marks" },
  ).addTo(district.map);
  const follow = async () => {
    const { area } = state();
    if (on() && loaded !== area) {
      loaded = area;
      officers = (await ask("/officers", { area })).items;
    }
    sheet.redraw();
  };
  onChange((now, before) => (now.layers !== before.layers || now.area !== before.area) && follow().catch(() => (loaded = null)));
  document.addEventListener("theme", () => sheet.redraw());
  district.marks.push((point) => nearest(spots, point));
  district.spots.push(() => spots);
  district.officers = { load: follow };
  follow().catch(() => (loaded = null));
}

/** An officer's mark; the legend shows the same. */
export function drawOfficer(context, { on_duty: duty }, x, y, zoom) {
  const size = zoom >= 15 ? 8 : zoom >= 14 ? 5 : 3;
  context.beginPath();
  context.arc(x, y, size, 0, Math.PI * 2);
  context.fillStyle = duty ? colour("good") : colour("panel");
  context.fill();
  context.lineWidth = size < 4 ? 1 : 1.75;
  context.strokeStyle = duty ? colour("open-case") : colour("faint");
  context.stroke();
  if (size < 6) return;
  context.fillStyle = duty ? colour("open-case") : colour("faint");
  context.beginPath();
  context.arc(x, y - size * 0.22, size * 0.27, 0, Math.PI * 2);
  context.fill();
  context.beginPath();
  context.arc(x, y + size * 0.62, size * 0.5, Math.PI, 0);
  context.fill();
}
