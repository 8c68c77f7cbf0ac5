/** One box finds areas, grids, buildings, incidents, officers and facilities; arrows and Enter are enough. */

import { ask } from "../api.js";
import { make, put } from "../dom.js";
import { change } from "../state.js";
import { language, word } from "../words.js";

/** A combobox in `host` that leads the map to what is chosen. */
export function show(host, district) {
  let items = [];
  let active = -1;
  let turn = 0;
  let pause = null;
  let asked = ""; // what the list is the answer to
  let wanted = false; // Enter came before the answer
  const list = make("ul", { id: "found", className: "found", role: "listbox", "aria-label": word("search.results"), hidden: true });
  const input = make("input", {
    type: "search",
    placeholder: word("search.hint"),
    "aria-label": word("search.label"),
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "found",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: false,
  });
  host.append(input, list);

  const open = (shown) => {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) input.removeAttribute("aria-activedescendant");
  };
  const light = (next) => {
    active = items.length ? (next + items.length) % items.length : -1;
    const rows = [...list.querySelectorAll("[id]")];
    rows.forEach((row, rank) => row.setAttribute("aria-selected", String(rank === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", `found-${active}`);
      rows[active].scrollIntoView({ block: "nearest" });
    }
  };
  const choose = (item) => {
    open(false);
    input.value = "";
    input.blur(); // the keys are those of what is shown now
    host.classList.remove("open");
    lead(district, item);
  };
  const look = async () => {
    const q = input.value.trim();
    const mine = ++turn;
    if (q.length < 2) return open(false);
    const answer = await ask("/search", { q }).catch(() => ({ items: [], failed: true }));
    if (mine !== turn) return;
    items = answer.items;
    asked = q;
    put(
      list,
      items.length
        ? [answer.near && make("li", { className: "none", role: "presentation" }, word("search.near")), items.map((item, rank) => row(item, rank, choose))]
        : make("li", { className: "none", role: "option", "aria-disabled": "true" }, word(answer.failed ? "error.failed" : "search.none")),
    );
    open(true);
    light(0);
    if (wanted && items.length && !answer.near) choose(items[0]);
    wanted = false;
  };
  input.addEventListener("input", () => {
    wanted = false;
    clearTimeout(pause);
    pause = setTimeout(look, 160);
  });
  input.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") light(active + (key === "ArrowDown" ? 1 : -1));
    else if (key === "Enter" && asked === input.value.trim() && items[active] && !list.hidden) choose(items[active]);
    else if (key === "Enter") wanted = true;
    else if (key === "Escape") {
      if (list.hidden) input.blur();
      open(false);
    } else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(() => open(false), 150));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });
}

function row(item, rank, choose) {
  const english = language === "en";
  return make(
    "li",
    { id: `found-${rank}`, role: "option", "aria-selected": "false", onmousedown: (event) => (event.preventDefault(), choose(item)) },
    make("span", {}, (english && item.label_en) || item.label),
    make("span", { className: "chip" }, word(`kind.${item.kind}`)),
    make("span", { className: "sub" }, (english && item.sub_en) || item.sub || ""),
  );
}

function lead(district, item) {
  if (item.kind === "area") return change({ area: item.code, grid: "", building: "", at: null }, { step: true });
  if (item.kind === "grid") return change({ grid: String(item.id), building: "", at: null }, { step: true });
  if (item.kind === "building") return change({ grid: "", building: String(item.id), at: null }, { step: true });
  if (item.kind === "incident") change({ incident: String(item.id) }, { step: true });
  if (item.bbox) district.fit(item.bbox, { maxZoom: 18 });
  else if (item.center) district.fly(item.center, 17.5);
}
