/** The key of the map: what fills and lines mean, and the switches for snapping and dashes. */

import { make, put } from "../dom.js";
import { word } from "../words.js";
import { button } from "../components.js";
import { CLASSES, classText, mark } from "./figures.js";

/** Show the key in `host`. */
export function show(host, editor) {
  const { household_min: low, household_max: high } = editor.draft.plan;
  const snap = () => {
    editor.snap.on = !editor.snap.on;
    show(host, editor);
  };
  put(
    host,
    make("h3", {}, word("key.title", { low, high })),
    make(
      "ul",
      { className: "classes" },
      CLASSES.map((rank) => make("li", {}, make("i", { className: `swatch c${rank + 2}` }), `${mark(rank)} ${classText(rank)}`)),
    ),
    make(
      "ul",
      { className: "lines" },
      ["today", "changed", "community"].map((name) => make("li", {}, make("i", { className: `stroke ${name}` }), word(`key.${name}`))),
    ),
    button("snap", word("key.snap"), snap, { pressed: editor.snap.on }),
  );
}
