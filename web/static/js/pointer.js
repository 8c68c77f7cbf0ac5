/** What the pointer is on, told beside it; a click goes one level deeper, Esc comes back. */

import { eachFrame, make, put } from "./dom.js";
import { change, state } from "./state.js";
import { age, coded, count, decimal, named, namedIn, word } from "./words.js";

const STILL = 6; // pixels between press and release that make no drag

/** Listen on the map; `fill` tells a grid's value. */
export function listen(district, fill, openMark) {
  const { map } = district;
  const tip = document.querySelector("#tip");
  let turn = 0;

  const hover = eachFrame(async ({ latlng, containerPoint, originalEvent }) => {
    const mine = ++turn;
    const mark = markAt(district, containerPoint);
    const found = mark ? null : await district.ground.pick(latlng).catch(() => null);
    if (mine !== turn) return;
    const lines = mark ? markLines(district, mark) : groundLines(district, found, fill);
    district.ground.outline(...target(district, found));
    map.getContainer().classList.toggle("picking", Boolean(mark || lines.length));
    if (!lines.length) return hide();
    put(
      tip,
      make("b", {}, lines[0]),
      lines
        .slice(1)
        .filter(Boolean)
        .map((line) => make("div", { className: "muted" }, line)),
    );
    tip.hidden = false;
    beside(tip, originalEvent);
  });
  const hide = () => {
    tip.hidden = true;
  };
  const leave = () => {
    turn += 1;
    hide();
    district.ground.outline(null);
  };
  const touch = window.matchMedia("(hover: none)").matches;
  if (!touch) map.on("mousemove", hover);
  map.on("mouseout movestart", leave);
  // Who drags while the map still zooms drags nothing, and clicks nothing either.
  let pressed = null;
  map.on("mousedown", ({ containerPoint }) => (pressed = containerPoint));
  map.on("click", async ({ latlng, containerPoint }) => {
    const moved = pressed?.distanceTo(containerPoint) ?? 0;
    pressed = null;
    if (moved > STILL) return;
    leave();
    const mark = markAt(district, containerPoint);
    if (mark && openMark(mark)) return;
    district.drill.into(await district.ground.pick(latlng));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.target.closest("input, dialog, .sheet-open")) return;
    leave();
    district.drill.up();
  });
  // Enter on the focused map goes into what lies in its middle, as a click there would.
  map.getContainer().addEventListener("keydown", async (event) => {
    if (event.key !== "Enter" || event.target !== map.getContainer()) return;
    const free = district.free();
    const size = map.getSize();
    const middle = map.containerPointToLatLng([(free.left + size.x - free.right) / 2, (free.top + size.y - free.bottom) / 2]);
    district.drill.into(await district.ground.pick(middle));
  });
  map.on("moveend", () => {
    const { lng, lat } = map.getCenter();
    const at = [lng.toFixed(5), lat.toFixed(5), map.getZoom().toFixed(2)].map(Number);
    if (String(at) !== String(state().at)) change({ at });
  });
}

function markAt(district, point) {
  for (let i = district.marks.length - 1; i >= 0; i--) {
    const mark = district.marks[i](point);
    if (mark) return mark;
  }
  return null;
}

/** Which outline to light: the level a click would lead to. */
function target(district, found) {
  if (!found) return [null];
  const levels = district.trail?.areas.map(({ level }) => level) ?? [];
  if (found.building && district.map.getZoom() >= 16 && district.focus.grid) return ["building", found.building.id];
  if (!levels.includes("street") && !levels.includes("community") && found.street) return ["area", found.street.id];
  const community = district.trail.areas.find(({ level }) => level === "community");
  if (found.community && community?.code !== found.community.code) return ["area", found.community.id];
  return found.grid ? ["grid", found.grid.id] : [null];
}

function groundLines(district, found, fill) {
  if (!found?.grid && !found?.community && !found?.street) return [];
  const where = [found.street, found.community].filter(Boolean).map(named).join(" · ");
  if (found.building && district.map.getZoom() >= 15.5) {
    const { use, levels, households } = found.building;
    return [
      coded("use", use ?? "unknown"),
      levels ? word("building.levels", { n: levels }) : null,
      households == null ? null : word("building.households", { n: count(households) }),
      `${where} · ${namedIn(found.grid ?? {}, found.community)}`,
    ];
  }
  if (!found.grid) return [where];
  return [namedIn(found.grid, found.community), where, fill.textOf(found.grid.id), hotLine(district.hotspots.of(found.grid.id))];
}

function hotLine(item) {
  if (!item || Math.abs(item.class) < 90) return null;
  return word(item.class > 0 ? "hot.here" : "hot.cold_here", { level: Math.abs(item.class), q: item.q == null ? "–" : decimal(item.q, 3) });
}

function markLines(district, { kind, data }) {
  if (kind === "incident_cell") return [word("mark.cell", { open: count(data.open) }), word("mark.cell_all", { n: count(data.n) })];
  if (kind === "incident") {
    const category = district.categories.get(data.category_id);
    return [
      category ? named(category) : word("incident.one"),
      `${word(`severity.${data.severity}`)} · ${word(data.open ? "incident.open" : "incident.closed")}`,
    ];
  }
  if (kind === "officer")
    return [
      data.name,
      word(data.on_duty ? "officer.on" : "officer.off"),
      data.last_seen_at ? word("officer.seen", { age: age(data.last_seen_at) }) : null,
    ];
  if (kind === "facility")
    return [named(data) || coded("facility", data.kind), `${coded("facility", data.kind)} · ${coded("status", data.status)}`];
  return [data.title || named(data.category), `${named(data.category)} · ${word(`severity.${data.severity}`)} · ${age(data.reported_at)}`];
}

function beside(tip, { clientX, clientY }) {
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(window.innerWidth - width - 8, clientX + 16)}px`;
  tip.style.top = `${clientY + 20 + height > window.innerHeight ? clientY - height - 12 : clientY + 20}px`;
}
