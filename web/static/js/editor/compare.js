/** Two grounds on one map: what is compared with left of a handle, this draft right of it. */

import { ask } from "../api.js";
import { make } from "../dom.js";
import { word } from "../words.js";
import { button } from "../components.js";
import { Ground } from "./ground.js";

export const TODAY = "today";

/** Show today's ground, or another plan by its number, beside this plan; nothing takes it away. */
export async function show(editor, what, name = "") {
  document.querySelector("#swipe")?.remove();
  editor.stage.other = null;
  if (what === TODAY) editor.stage.other = { share: 0.5, today: true, ground: editor.draft.before.ground() };
  else if (what) editor.stage.other = { share: 0.5, ground: new Ground(await ask(`/plans/${what}/ground`)) };
  editor.panels?.fold();
  if (what) handle(editor, name || word("impact.today"));
  editor.stage.redraw();
}

/** Today's ground again, after this draft changed. */
export function renew({ stage, draft }) {
  if (stage.other?.today) stage.other.ground = draft.before.ground();
}

function handle(editor, name) {
  const map = editor.map.getContainer();
  const range = make("input", { type: "range", min: 0, max: 100, step: 0.25, value: 40, "aria-label": word("compare.handle") });
  const line = make("i", { "aria-hidden": "true" });
  const side = (place, text) => make("span", { className: `side ${place}` }, text);
  const names = make("div", { className: "sides" }, side("left", name), side("right", word("impact.this")));
  const box = make("div", { id: "swipe", className: "swipe" }, line, names, range, button("close", word("compare.end"), () => show(editor, null)));
  const place = () => {
    const { width } = map.getBoundingClientRect();
    const share = range.value / 100;
    line.style.left = names.style.left = `${share * 100}%`;
    // The sheets reach beyond the window by their padding on either side.
    editor.stage.other.share = (share * width + 0.12 * width) / (1.24 * width);
    editor.stage.redraw();
  };
  range.addEventListener("input", place);
  map.parentElement.append(box);
  place();
}
