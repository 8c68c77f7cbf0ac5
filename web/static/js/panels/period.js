/** The period: one of five up to now, or the days somebody names. */

import { make, put } from "../dom.js";
import { change, state } from "../state.js";
import { isoDay, now, span, word } from "../words.js";

const DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365 };
const HOUR = 3_600_000;
const LONGEST_DAYS = 3_650;

/** What to ask the API for: two days where somebody named them, else a moment so long ago. */
export function asked({ period, from, to }) {
  if (from) return { from, to };
  const start = new Date(Math.floor(now() / HOUR) * HOUR - (DAYS[period] ?? 7) * 24 * HOUR);
  return { from: start.toISOString() };
}

/** Whether two states ask for different periods. */
export const differs = (one, other) => ["period", "from", "to"].some((key) => one[key] !== other[key]);

/** The switch beside a heading; returns what draws it again. */
export function show(heading) {
  const group = make("span", { className: "aside period" });
  const form = days();
  const own = make("button", { type: "button", className: "own", "aria-haspopup": "dialog", onclick: () => turn(form.hidden) });
  const turn = (open) => {
    form.hidden = !open;
    own.setAttribute("aria-expanded", String(open));
    if (open) form.open();
  };
  const pick = (key) => {
    turn(false);
    change({ period: key, from: "", to: "" }, { step: true });
    group.querySelector('[aria-pressed="true"]').focus();
  };
  const draw = () => {
    const { period, from, to } = state();
    const fixed = Object.keys(DAYS).map((key) =>
      make("button", { type: "button", "aria-pressed": String(!from && period === key), onclick: () => pick(key) }, word(`period.${key}`)),
    );
    own.textContent = from ? span(from, to) : word("period.own");
    own.setAttribute("aria-pressed", String(Boolean(from)));
    turn(false);
    put(group, make("span", { className: "segments", role: "group", "aria-label": word("period.one") }, fixed, own), form);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = form.chosen();
    change({ from, to }, { step: true });
    turn(false);
    own.focus();
  });
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || form.hidden) return;
    event.stopPropagation();
    turn(false);
    own.focus();
  });
  document.addEventListener("pointerdown", ({ target }) => group.contains(target) || turn(false));
  heading.append(group);
  draw();
  return draw;
}

/** Whole weeks and months that people ask for by name: [first day, last day]. */
const NAMED = {
  last_week: (today) => {
    const monday = shifted(today, -((weekday(today) + 6) % 7) - 7);
    return [monday, shifted(monday, 6)];
  },
  this_month: (today) => [`${today.slice(0, 8)}01`, today],
  last_month: (today) => {
    const last = shifted(`${today.slice(0, 8)}01`, -1);
    return [`${last.slice(0, 8)}01`, last];
  },
};
const noon = (day) => new Date(`${day}T12:00:00Z`);
const weekday = (day) => noon(day).getUTCDay();
const shifted = (day, days) => new Date(noon(day).getTime() + days * 24 * HOUR).toISOString().slice(0, 10);

/** The two days and their button, closed at first; whole weeks and months by name. */
function days() {
  const inputs = ["from", "to"].map((key) => make("input", { type: "date", name: key, required: true, className: "field" }));
  const form = make(
    "form",
    { className: "days", hidden: true, role: "dialog", "aria-label": word("period.own_title") },
    make("div", { className: "named" }, Object.keys(NAMED).map((key) => make("button", { type: "button", className: "button small", "data-named": key, onclick: () => name(key) }, word(`period.${key}`)))),
    inputs.map((input) => make("label", {}, word(`period.${input.name}`), input)),
    make("button", { type: "submit", className: "button primary" }, word("period.apply")),
  );
  const [first, last] = inputs;
  const name = (key) => {
    [first.value, last.value] = NAMED[key](isoDay(now()));
    form.requestSubmit();
  };
  const check = () => {
    const length = (Date.parse(last.value) - Date.parse(first.value)) / (24 * HOUR);
    last.setCustomValidity(length < 0 ? word("period.backwards") : length > LONGEST_DAYS ? word("period.too_long", { n: LONGEST_DAYS }) : "");
  };
  for (const input of inputs) input.addEventListener("input", check);
  form.chosen = () => inputs.map(({ value }) => value);
  form.open = () => {
    const present = state();
    const today = isoDay(now());
    for (const input of inputs) input.max = today;
    first.value = present.from || isoDay(Date.parse(asked(present).from));
    last.value = present.to || today;
    check();
    first.focus();
  };
  return form;
}
