/** Categories as bars; a click filters everything else by them. */

import { make, put } from "../dom.js";
import { keepingFocus } from "../focus.js";
import { empty } from "./empty.js";
import { change, state } from "../state.js";
import { shape } from "../symbols.js";
import { count, named, percent, word } from "../words.js";

const MOST = 12;

/** Draw the bars, most first. */
export function show(body, { categories }) {
  const chosen = new Set(state().category);
  const most = Math.max(1, ...categories.map((each) => each.count));
  const all = categories.reduce((sum, each) => sum + each.count, 0);
  const bars = make(
    "div",
    { className: chosen.size ? "bars some" : "bars", role: "group", "aria-label": word("categories.title") },
    listed(categories, chosen).map((each) => bar(each, most, all, chosen)),
  );
  if (all) return keepingFocus(body, () => put(body, bars));
  empty(body, { offer: true });
  // What was chosen can be let go of where it was never reported, too.
  if (chosen.size) body.append(bars);
}

/** The categories with most incidents; what is chosen is among them however few it counts. */
function listed(categories, chosen) {
  const sorted = [...categories].sort((a, b) => b.count - a.count);
  const first = new Set([...sorted.filter(({ id }) => chosen.has(String(id))), ...sorted]);
  const shown = new Set([...first].slice(0, Math.max(MOST, chosen.size)));
  return sorted.filter((each) => shown.has(each));
}

function bar(category, most, all, chosen) {
  const pressed = chosen.has(String(category.id));
  const share = all ? category.count / all : 0;
  const fill = make("i");
  fill.style.width = `${(category.count / most) * 100}%`;
  return make(
    "button",
    {
      type: "button",
      "aria-pressed": String(pressed),
      "data-focus": category.id,
      title: word("categories.hint", { name: named(category), n: count(category.count), share: percent(share) }),
      onclick: () => toggle(category.id),
    },
    shape(category.symbol),
    make("span", { className: "name" }, named(category)),
    make("span", { className: "track" }, fill),
    make("span", { className: "n" }, count(category.count)),
  );
}

function toggle(id) {
  const chosen = new Set(state().category);
  if (!chosen.delete(String(id))) chosen.add(String(id));
  change({ category: [...chosen].sort() }, { step: true });
}
