/** What a figure means, beside it while it is pointed at or focused: `data-explain` holds lines of text. */

import { make, put } from "./dom.js";

/** Follow the pointer and the focus over the whole page; `tip` is the box that tells. */
export function follow(tip) {
  let about = null;
  const show = (element) => {
    about = element;
    const [first, ...rest] = element.dataset.explain.split("\n");
    put(tip, make("b", {}, first), rest.map((line) => make("div", { className: "muted" }, line)));
    tip.hidden = false;
    const box = element.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    // What a column's heading means must not cover the rows that somebody is about to read.
    const above = element.closest("th") && box.top >= height + 8;
    const below = !above && box.bottom + 8 + height < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(window.innerWidth - width - 8, box.left))}px`;
    tip.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - height - 8)}px`;
  };
  const hide = () => {
    if (!about) return;
    about = null;
    tip.hidden = true;
  };
  const enter = ({ target }) => {
    const found = target.closest?.("[data-explain]");
    if (found && found !== about) show(found);
    else if (!found) hide();
  };
  document.addEventListener("pointerover", (event) => event.pointerType !== "touch" && enter(event));
  document.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && enter(event));
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerdown", hide);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
}
