/** The page of the boundary editor: ask for the plan and its ground, then hand both to the editor, or say what is wrong. */

import { Problem, ask } from "./api.js";
import { drawnOnce } from "./canvas.js";
import { explainWith } from "./components.js";
import { make, put } from "./dom.js";
import { Draft } from "./editor/draft.js";
import { Editor } from "./editor/editor.js";
import * as header from "./editor/header.js";
import { told } from "./editor/refusals.js";
import { keepTime, word } from "./words.js";

const at = (id) => document.querySelector(`#${id}`);

/** Bring the page to life on the map that Folium composed. */
export async function start(district, { plan, timeZone }) {
  explainWith(told);
  put(at("panel"), make("div", { className: "skeleton" }));
  const draft = new Draft(plan);
  try {
    // The ground is the longest on its way: it is asked for first.
    const [me] = await Promise.all([ask("/me"), draft.load()]);
    keepTime(timeZone, me.deployment.now);
    drawnOnce(() => new Editor(district, draft, me).open());
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    closed(problem);
  }
  document.body.dataset.ready = "true";
}

function closed(problem) {
  put(
    at("panel"),
    make(
      "div",
      { className: "failed" },
      make("p", {}, problem.status === 404 ? word("plans.none_here") : told(problem)),
      make("a", { className: "button", href: "/plans" }, word("plans.all")),
    ),
  );
  header.plain();
}
