/** Hot spots as outline and hatch over whatever fill is shown; neighbours of one class share one outline. */

import { ask } from "../api.js";
import { CanvasTiles } from "../canvas.js";
import { colour } from "../palette.js";
import { onChange, state } from "../state.js";
import { polygon } from "../mvt.js";
import { TILE } from "../tiles.js";

const CLASSES = [
  { least: 90, tint: "hot-90", step: 9, pen: 1.2 },
  { least: 95, tint: "hot-95", step: 7, pen: 1.5 },
  { least: 99, tint: "hot-99", step: 5.5, pen: 1.9 },
];

/** Show the latest run; offers `district.hotspots` with its run and each grid's figures. */
export function show(district) {
  const items = new Map();
  district.hotspots = { run: null, unmade: null, of: (id) => items.get(id) };
  let layer = null;
  let over = null;
  const toggle = () => {
    const wanted = state().layers.includes("hotspots") && district.ground;
    if (wanted && !layer) {
      layer = new CanvasTiles(district.ground.source, (...given) => paint(over ?? items, ...given), { pane: "hot" }).addTo(district.map);
    } else if (!wanted && layer) {
      layer.remove();
      layer = null;
    }
  };
  toggle();
  onChange(toggle);
  document.addEventListener("theme", () => layer?.repaint());
  document.addEventListener("ground", () => layer?.renew());
  /** Show other classes of the grids in place of the newest run's; null shows that again. */
  district.hotspots.over = (others) => {
    over = others;
    layer?.repaint();
  };
  /** Ask for the latest run; returns what shows it. */
  district.hotspots.renew = async () => {
    const { run, unmade, items: found } = await ask("/hotspots/latest", {}, { background: true });
    return () => {
      items.clear();
      for (const item of found) items.set(item.grid_id, item);
      Object.assign(district.hotspots, { run, unmade, failure: null });
      layer?.repaint();
      document.dispatchEvent(new CustomEvent("hotspots"));
    };
  };
  district.hotspots.load = async () => {
    try {
      (await district.hotspots.renew())();
    } catch (problem) {
      district.hotspots.failure = problem;
      document.dispatchEvent(new CustomEvent("hotspots"));
    }
  };
}

function paint(items, context, tile, { px }) {
  const grids = tile.of("grid");
  const inClass = (test) => grids.filter(({ properties }) => test(items.get(properties.id)?.class ?? 0));
  const cold = inClass((value) => value <= -90);
  stroke(
    context,
    cold,
    [
      ["cold-case", 3.5, []],
      ["cold", 1.4, [4 * px, 4 * px]],
    ],
    px,
  );
  CLASSES.forEach(({ least, tint, step, pen }, rank) => {
    const upper = CLASSES[rank + 1]?.least ?? Infinity;
    const members = inClass((value) => value >= least && value < upper);
    if (!members.length) return;
    hatchInside(context, members, { tint, step: step * px, pen: pen * px });
  });
  CLASSES.forEach(({ least, tint }, rank) => {
    const upper = CLASSES[rank + 1]?.least ?? Infinity;
    stroke(
      context,
      inClass((value) => value >= least && value < upper),
      [
        ["hot-case", 4, []],
        [tint, 2, []],
      ],
      px,
    );
  });
}

function stroke(context, features, passes, px) {
  if (!features.length) return;
  const path = outerEdges(features);
  for (const [tint, width, dash] of passes) {
    context.setLineDash(dash);
    context.strokeStyle = colour(tint);
    context.lineWidth = width * px;
    context.stroke(path);
  }
  context.setLineDash([]);
}

/** Edges that no neighbour in the group has too: grids tile exactly, so shared edges appear twice. */
function outerEdges(features) {
  const edges = new Map();
  for (const { rings } of features)
    for (const ring of rings)
      for (let i = 0; i + 3 < ring.length + 2; i += 2) {
        const j = (i + 2) % ring.length;
        const [a, b] = [`${ring[i]},${ring[i + 1]}`, `${ring[j]},${ring[j + 1]}`];
        if (a === b) continue;
        const key = a < b ? `${a};${b}` : `${b};${a}`;
        if (edges.has(key)) edges.set(key, null);
        else edges.set(key, [ring[i], ring[i + 1], ring[j], ring[j + 1]]);
      }
  const path = new Path2D();
  for (const edge of edges.values()) {
    if (!edge) continue;
    path.moveTo(edge[0], edge[1]);
    path.lineTo(edge[2], edge[3]);
  }
  return path;
}

function hatchInside(context, features, { tint, step, pen }) {
  context.save();
  context.beginPath();
  for (const feature of features) feature.trace(context);
  context.clip("evenodd");
  context.strokeStyle = colour(tint);
  context.globalAlpha = 0.85;
  context.lineWidth = pen;
  context.beginPath();
  // Lines start at multiples of the step in world pixels of the tile's own corner, so that they meet at seams.
  for (let x = -TILE * 2; x < TILE * 2; x += TILE / Math.round(TILE / step)) {
    context.moveTo(x, TILE + 64);
    context.lineTo(x + TILE + 128, -64);
  }
  context.stroke();
  context.restore();
}

/** A swatch for the legend. */
export function swatch(level) {
  const canvas = document.createElement("canvas");
  canvas.width = 48;
  canvas.height = 28;
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  const box = polygon([[[2, 2], [22, 2], [22, 12], [2, 12]]]); // prettier-ignore
  const kind = CLASSES.find(({ least }) => least === level);
  if (kind) hatchInside(context, [box], { tint: kind.tint, step: kind.step * 0.8, pen: kind.pen });
  stroke(
    context,
    [box],
    kind
      ? [
          ["hot-case", 4, []],
          [kind.tint, 2, []],
        ]
      : [
          ["cold-case", 3.5, []],
          ["cold", 1.4, [4, 3]],
        ],
    1,
  );
  return canvas;
}
