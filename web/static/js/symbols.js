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
  shield: "M12 2 20 5v6c0 5-3.5 9-8 11-4.5-2-8-6-8-11V5Z",
  scales: "M11 2h2v3h7l2.5 8a4 4 0 0 1-7 0L18 7h-5v13h4v2H7v-2h4V7H6l2.5 6a4 4 0 0 1-7 0L4 5h7Z",
  key: "M7.5 6a6 6 0 1 1 0 12 6 6 0 0 1 0-12Zm0 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4Zm5 0H23v7h-3v-3h-2v3h-3v-3h-2.5Z",
  blocks: "M2 13h9.5v8H2Zm10.5 0H22v8h-9.5ZM7 4h10v8H7Z",
  wrench: "M15 2a6 6 0 0 1 6.5 8.5L17 9l-2-2Zm-1 7L20 15l-1 6h-6L2.5 10.5 6 4l4 4-1 4Z",
  flame: "M12.5 1C13 6 19 8 19 14.5a7 7 0 0 1-14 0C5 11 7.5 9.5 8 6.5c2 1 2.5 3 2.5 4.5C12.5 9 13.5 5 12.5 1Z",
  house: "M12 2.5 22.5 12H19v9h-5v-6h-4v6H5v-9H1.5Z",
  leaf: "M3.5 21C2 9 9 3.5 21 3c.5 12-5 18-13.5 16.5L5 22Z",
  sound: "M2 8.5h5L13 3v18l-6-5.5H2ZM15.5 7c4 2 4 8 0 10Zm0-4.5c9 3 9 16 0 19v-2.5c5-3 5-11 0-14Z",
  heart: "M12 21.5C4 15.5 1 11.5 2.5 7.5 4 3.5 10 3 12 7.5 14 3 20 3.5 21.5 7.5 23 11.5 20 15.5 12 21.5Z",
  question: `${disc}M10.8 15h2.4v2.4h-2.4ZM9 9.5h2.200c0-2 2.8-1.5 1.8.3-.6 1-2.200 1.200-2.200 3.700h2.4c0-1.5 2.8-2 2.600-4.5C15.5 5 9 5.200 9 9.5Z`,
  stall: "M3 3h18l1.5 7h-21ZM4 12h16v9H4Z",
  boxes: "M2.5 2.5h8.5v8.5H2.5Zm10.5 0h8.5v8.5H13ZM2.5 13h8.5v8.5H2.5ZM13 13h8.5v8.5H13Z",
  poster: "M4.5 2.5h15v19h-15ZM8 7v2h8V7Zm0 5v2h8v-2Z",
  dust: "M3 9a4 4 0 1 0 8 0 4 4 0 1 0-8 0Zm9 6a4.5 4.5 0 1 0 9 0 4.5 4.5 0 1 0-9 0Zm2-9.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0ZM5 18a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0Z",
  drop: "M12 1.5c4 6 7.5 9 7.5 13.5a7.5 7.5 0 0 1-15 0C4.5 10.5 8 7.5 12 1.5Z",
  car: "M2 14.5 5 7h14l3 7.5V20h-3v2h-3v-2H8v2H5v-2H2Z",
  manhole: `${disc}M7 11h10v2H7Z`,
  lamp: "M8.5 2h7l3 8h-13ZM11 11h2v9h4v2H7v-2h4Z",
  bin: "M4.5 6.5h15l-2 15.5h-11ZM8 2h8v3H8Z",
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
