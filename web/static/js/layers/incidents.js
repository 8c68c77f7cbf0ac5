/** Incidents: open ones counted by cell from afar, single ones by shape and severity from near, the newest always. */

import { ask } from "../api.js";
import { Sheet, tilesInView, zoomInView } from "../canvas.js";
import { fromTile } from "../map.js";
import { colour } from "../palette.js";
import { onChange, state } from "../state.js";
import { outline } from "../symbols.js";
import { TILE } from "../tiles.js";

const SIZE = 15;
const NEAR = 16; // from this zoom on, single incidents are drawn
const GATHER = 32; // pixels of a tile

/** Show incidents; offers `district.incidents` with `load` (what to ask) and `pins` (the newest of the feed). */
export function show(district, { tiles }) {
  const { map } = district;
  const source = district.source(tiles);
  let found = [];
  let pins = [];
  let spots = [];
  let chosen = null;
  let period = false; // nothing is asked before it is known for which period
  const sheet = new Sheet(
    (context, size, frame) => {
      spots = [];
      for (const piece of found) for (const mark of marksOf(piece, frame)) spots.push(drawIncident(context, mark, district));
      const cells = gathered(found, frame);
      const most = Math.max(1, ...cells.map(({ data }) => data.open));
      for (const cell of cells) spots.push(drawCell(context, cell, most));
      for (const pin of pins) spots.push(drawPin(context, pin, district.onSheet(pin.place, frame), frame.zoom));
      if (chosen) drawChosen(context, chosen, district.onSheet(chosen.place, frame), frame.zoom);
      spots.shift = frame.shift;
    },
    { pane: "marks" },
  ).addTo(map);
  let turn = 0;
  const follow = async () => {
    const mine = ++turn;
    const come = period && state().layers.includes("incidents") ? await tilesInView(map, source, { padding: 0 }) : [];
    if (mine !== turn) return; // an older view that took longer
    found = come;
    sheet.redraw();
    district.labels?.redraw(); // names give way to marks
  };
  map.on("moveend", follow);
  source.addEventListener("again", ({ detail }) => detail.push(follow()));
  const choose = async () => {
    const { incident } = state();
    const found = incident && (await ask(`/incidents/${encodeURIComponent(incident)}`).catch(() => null)); // its card says what is wrong
    if (incident !== state().incident) return;
    chosen = found?.place ? found : null;
    sheet.redraw();
    district.labels?.redraw();
  };
  onChange((now, before) => now.layers !== before.layers && follow());
  onChange((now, before) => now.incident !== before.incident && choose());
  choose();
  document.addEventListener("theme", () => sheet.redraw());
  district.marks.push((point) => nearest(spots, point));
  district.spots.push(() => spots);
  district.incidents = {
    load: (query) => {
      period = true;
      if (source.ask(query)) follow();
    },
    redraw: () => sheet.redraw(),
    /** What a change touches, fetched anew; returns what shows it. */
    renew: async (touches) => {
      const swap = await source.renew(touches, zoomInView(map));
      return () => swap() && follow();
    },
    pins: (items) => {
      pins = items;
      sheet.redraw();
      district.labels?.redraw();
    },
  };
}

const inside = ([x, y]) => x >= 0 && y >= 0 && x < TILE && y < TILE; // points beyond a side belong to the tile next to it

function* marksOf(piece, frame) {
  for (const { properties, rings } of piece.tile.of("incident")) {
    if (!inside(rings[0])) continue;
    const [x, y] = fromTile(piece, rings[0], frame);
    yield { kind: "incident", data: properties, x, y };
  }
}

/** Cells of a tile, a few together at their common centre: the lattice they come on is not part of the message. */
function gathered(pieces, frame) {
  const groups = new Map();
  for (const piece of pieces)
    for (const {
      properties: { n, open },
      rings: [at],
    } of piece.tile.of("incident_cell")) {
      if (!open || !inside(at)) continue;
      const key = `${piece.left}/${piece.top}/${Math.floor(at[0] / GATHER)}/${Math.floor(at[1] / GATHER)}`;
      const group = groups.get(key) ?? { n: 0, open: 0, x: 0, y: 0, piece };
      groups.set(key, group);
      group.n += n;
      group.open += open;
      group.x += at[0] * n;
      group.y += at[1] * n;
    }
  return [...groups.values()].map(({ n, open, x, y, piece }) => {
    const [left, top] = fromTile(piece, [x / n, y / n], frame);
    return { kind: "incident_cell", data: { n, open }, x: left, y: top };
  });
}

function drawIncident(context, mark, district) {
  const { category_id: category, severity, open, urgent } = mark.data;
  context.save();
  context.globalAlpha = open ? 1 : 0.45;
  symbol(context, district.categories.get(category)?.symbol, mark.x, mark.y, { severity, size: urgent ? SIZE + 4 : SIZE });
  context.restore();
  return { ...mark, radius: SIZE / 2 + 2 };
}

function drawCell(context, mark, most) {
  const radius = 0.9 + 2.9 * Math.sqrt(mark.data.open / most);
  context.beginPath();
  context.arc(mark.x, mark.y, radius, 0, Math.PI * 2);
  context.globalAlpha = 0.55;
  context.lineWidth = 0.75;
  context.strokeStyle = colour("open-case");
  context.stroke();
  context.fillStyle = colour("open");
  context.fill();
  context.globalAlpha = 1;
  return { ...mark, radius: radius + 3 };
}

function drawPin(context, pin, [x, y], zoom) {
  const radius = zoom < NEAR ? 10 : 13;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fillStyle = colour("panel");
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = colour(`s${pin.severity}`);
  context.stroke();
  symbol(context, pin.category.symbol, x, y, { severity: pin.severity, size: radius + 2, bare: true });
  return { kind: "feed", data: pin, x, y, radius: radius + 1 };
}

/** The incident whose card is open, of whatever period: there may be ten like it beside it, so a ring goes round it. */
function drawChosen(context, incident, [x, y], zoom) {
  drawPin(context, incident, [x, y], zoom);
  for (const [width, tint] of [[7, "panel"], [3, "accent"]]) {
    context.beginPath();
    context.arc(x, y, 18, 0, Math.PI * 2);
    context.lineWidth = width;
    context.strokeStyle = colour(tint);
    context.stroke();
  }
}

function symbol(context, name, x, y, { severity, size, bare = false }) {
  context.save();
  context.translate(x - size / 2, y - size / 2);
  context.scale(size / 24, size / 24);
  const path = outline(name);
  if (!bare) {
    context.lineWidth = 5;
    context.lineJoin = "round";
    context.strokeStyle = colour("open-case");
    context.stroke(path);
  }
  context.fillStyle = colour(`s${severity}`);
  context.fill(path, "evenodd");
  context.restore();
}

/** The mark under a point of the map's container, the last drawn first. */
export function nearest(spots, point) {
  const shift = spots.shift;
  if (!shift) return null;
  for (let i = spots.length - 1; i >= 0; i--) {
    const spot = spots[i];
    if (Math.hypot(spot.x + shift.x - point.x, spot.y + shift.y - point.y) <= spot.radius) return spot;
  }
  return null;
}
