/** Two drafts on one map: this one left of a handle, the other one right of it. */

import { ask } from "../api.js";
import { make } from "../dom.js";
import { word } from "../words.js";
import { button } from "../components.js";
import { Ground } from "./ground.js";

/** Show another plan beside this one; an empty id takes it away. */
export async function show(editor, id) {
  document.querySelector("#swipe")?.remove();
  editor.stage.other = null;
  if (id) {
    const answer = await ask(`/plans/${id}/ground`);
    editor.stage.other = { ground: new Ground(answer), share: 0.5 };
    handle(editor);
  }
  editor.stage.redraw();
}

function handle(editor) {
  const map = editor.map.getContainer();
  const range = make("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": word("compare.handle") });
  const line = make("i", { "aria-hidden": "true" });
  const box = make(
    "div",
    { id: "swipe", className: "swipe" },
    make("span", { className: "side left" }, word("impact.this")),
    make("span", { className: "side right" }, word("impact.other")),
    line,
    range,
    button("close", word("compare.end"), () => show(editor, "")),
  );
  const place = () => {
    const { width } = map.getBoundingClientRect();
    const share = range.value / 100;
    line.style.left = `${share * 100}%`;
    // The sheets reach beyond the window by their padding on either side.
    editor.stage.other.share = (share * width + 0.12 * width) / (1.24 * width);
    editor.stage.redraw();
  };
  range.addEventListener("input", place);
  map.parentElement.append(box);
  place();
}
