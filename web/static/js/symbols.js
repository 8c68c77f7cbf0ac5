/** Shapes of categories, the same on canvas and in lists: a category is told by shape, a severity by colour and text. */

import { draw } from "./dom.js";

const turn = (n, r = 9, start = -90) =>
  Array.from({ length: n }, (_, i) => [
    12 + r * Math.cos(((start + (i * 360) / n) * Math.PI) / 180),
    12 + r * Math.sin(((start + (i * 360) / n) * Math.PI) / 180),
  ]);
const star = Array.from({ length: 10 }, (_, i) => {
  const r = i % 2 ? 4.2 : 10;
  const angle = ((i * 36 - 90) * Math.PI) / 180;
  return [12 + r * Math.cos(angle), 12 + r * Math.sin(angle)];
});
const closed = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}Z`;
const disc = "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0Z";

const PATHS = {
  circle: disc,
  square: "M4.5 4.5h15v15h-15Z",
  diamond: closed(turn(4, 10)),
  triangle: closed(turn(3, 10)),
  triangle_down: closed(turn(3, 10, 90)),
  star: closed(star),
  cross: "M6.5 4 12 9.5 17.5 4 20 6.5 14.5 12 20 17.5 17.5 20 12 14.5 6.5 20 4 17.5 9.5 12 4 6.5Z",
  hexagon: closed(turn(6)),
  pentagon: closed(turn(5, 9.5)),
  plus: "M9 3h6v6h6v6h-6v6H9v-6H3V9h6Z",
  ring: `${disc}M8.5 12a3.5 3.5 0 1 1 7 0 3.5 3.5 0 1 1-7 0Z`,
  bar: "M3 8h18v8H3Z",
};
const canvas = new Map();

/** A small picture of a category's shape for lists; the text beside it says the rest. */
export const shape = (symbol, severity) =>
  draw(
    "svg",
    { viewBox: "0 0 24 24", class: severity ? `shape s${severity}` : "shape", "aria-hidden": "true" },
    draw("path", { d: PATHS[symbol] ?? PATHS.circle, "fill-rule": "evenodd", stroke: "none" }),
  );

/** The same shape for a canvas, in a box of 24. */
export function outline(symbol) {
  if (!canvas.has(symbol)) canvas.set(symbol, new Path2D(PATHS[symbol] ?? PATHS.circle));
  return canvas.get(symbol);
}
