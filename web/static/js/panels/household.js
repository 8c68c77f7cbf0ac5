/** Who lives in a building: households, then the residents of one, masked; one field in the clear for a reason that is kept. */

import { ask, tell } from "../api.js";
import { chip, failed, field, formDialog } from "../components.js";
import { make, put, skeleton } from "../dom.js";
import { icon } from "../icons.js";
import { change, state } from "../state.js";
import { coded, word } from "../words.js";

const FIELDS = ["name", "phone", "number"];
const SHOWN_MS = 60_000;
const LEAST_REASON = 5;

/** The list; a household opens for those who may see residents, and the address names it. */
export function list(items, permissions) {
  if (!items.length) return make("p", { className: "sub" }, word("card.no_households"));
  const rows = items.map((item) => row(item, permissions));
  return [make("h4", {}, word("card.household_list")), make("ul", { className: "list homes", tabIndex: 0, "aria-label": word("card.household_list") }, rows)];
}

/** Open the household that the address names, and no other: after a click, an Esc, or a step back. */
export function follow(section) {
  for (const button of section.querySelectorAll("[data-household]")) button.dispatchEvent(new Event("turn"));
}

function row(home, permissions) {
  const told = [
    make("b", { className: "number" }, home.unit || "–"),
    make("span", {}, coded("tenure", home.tenure)),
    home.floating && chip(word("card.floating")),
    make("span", { className: "sub" }, word("card.members", { n: home.members })),
  ];
  if (!permissions.includes("residents")) return make("li", {}, told);
  const inside = make("div", { className: "residents", hidden: true });
  const turn = (open) => {
    button.setAttribute("aria-expanded", String(open));
    inside.hidden = !open;
    if (open && !inside.firstChild) residents(inside, home.id, permissions);
  };
  const button = make(
    "button",
    {
      type: "button",
      "data-household": home.id,
      "aria-expanded": "false",
      onclick: () => change({ household: inside.hidden ? String(home.id) : "" }),
      onturn: () => turn(state().household === String(home.id)),
    },
    told,
    icon("down"),
  );
  if (state().household === String(home.id)) turn(true);
  return make("li", {}, button, inside);
}

async function residents(host, id, permissions) {
  put(host, skeleton());
  try {
    const { items } = await ask(`/households/${id}/residents`);
    put(host, items.length ? items.map((each) => person(each, permissions)) : make("p", { className: "sub" }, word("homes.empty")));
    host.append(make("p", { className: "note" }, word("homes.logged")));
  } catch (problem) {
    put(host, failed(problem, () => residents(host, id, permissions)));
  }
}

function person(each, permissions) {
  const about = [each.head && word("homes.head"), word(`sex.${each.sex}`), each.birth_year && word("homes.born", { year: each.birth_year })];
  return make(
    "div",
    { className: "resident", "data-resident": each.id },
    make("span", { className: "sub" }, about.filter(Boolean).join(" · ")),
    FIELDS.filter((name) => each[`${name}_masked`]).map((name) => sealed(each, name, permissions)),
    (each.care ?? []).map((kind) => chip(coded("care", kind), "watch")),
  );
}

/** One masked field, and the way to see it in the clear for a minute. */
function sealed(each, name, permissions) {
  const masked = each[`${name}_masked`];
  const value = make("span", { className: "number" }, masked);
  if (!permissions.includes("residents.reveal")) return make("div", {}, value);
  const open = async (form) => {
    const { value: clear } = await tell(`/residents/${each.id}/reveal`, { field: name, why: form.elements.why.value.trim() });
    put(value, clear ?? "–");
    value.classList.add("clear");
    setTimeout(() => {
      value.textContent = masked;
      value.classList.remove("clear");
    }, SHOWN_MS);
  };
  const asking = () => {
    const why = make("textarea", { className: "field", name: "why", rows: 3, required: true, minLength: LEAST_REASON, maxLength: 500 });
    formDialog(word(`homes.reveal.${name}`), field(word("homes.why"), why, { hint: word("homes.why_hint") }), word("homes.show"), open);
  };
  return make("div", { className: "row" }, value, make("button", { type: "button", className: "tool", "aria-label": word(`homes.reveal.${name}`), onclick: asking }, icon("eye")));
}
