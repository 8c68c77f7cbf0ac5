/** The URL is the state: what is shown can be bookmarked, sent, put on a wall and stepped back through. */

const DEFAULTS = {
  area: "",
  grid: "",
  building: "",
  incident: "",
  period: "7d",
  from: "",
  to: "",
  category: [],
  hours: "",
  fill: "rate",
  layers: ["hotspots", "incidents"],
  at: null,
  rows: "",
  ranked: "",
  household: "",
  community: "",
  tool: "select",
  tab: "plan",
  against: "",
};
const LISTS = new Set(["category", "layers"]);
const DAYS = new Set(["from", "to"]);
const listeners = new Set();
let current = read();

/** A copy of the present state. */
export const state = () => ({ ...current });

/** Change some of it. `step` makes a step one can go back over; otherwise the present one is rewritten. */
export function change(part, { step = false } = {}) {
  const before = current;
  // The card of an incident gives way to whatever else is gone to.
  const elsewhere = ["area", "grid", "building"].some((each) => each in part && part[each] !== before[each]);
  current = { ...current, ...(elsewhere ? { incident: "" } : {}), ...part };
  const url = address();
  if (step) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  announce(before, step ? "step" : "change");
}

/** Be told of changes: (now, before, why) with why one of step, change, back. */
export const onChange = (listen) => listeners.add(listen);

/** The present address with other parameters, for links that keep the state. */
export function address(extra = {}) {
  const query = new URLSearchParams();
  const kept = new URLSearchParams(location.search);
  for (const key of ["lang", "theme", "wall"]) if (kept.has(key)) query.set(key, kept.get(key));
  for (const [key, value] of Object.entries(current)) {
    const text = written(key, value);
    if (text !== written(key, DEFAULTS[key])) query.set(key, text);
  }
  for (const [key, value] of Object.entries(extra)) query.set(key, value);
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : location.pathname;
}

function written(key, value) {
  if (LISTS.has(key)) return value.join(",");
  if (key === "at") return value ? value.join(",") : "";
  return value ?? "";
}

function read() {
  const query = new URLSearchParams(location.search);
  const found = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) {
    if (!query.has(key)) continue;
    const text = query.get(key);
    if (key === "category") found.category = [...new Set(text.split(",").filter((each) => /^\d{1,9}$/.test(each)))];
    else if (LISTS.has(key)) found[key] = text.split(",").filter(Boolean);
    else if (key === "at") found.at = place(text);
    else if (DAYS.has(key)) found[key] = dayOf(text);
    else if (key === "hours") found.hours = hoursOf(text);
    else found[key] = text;
  }
  // A period of one's own has both its days, in order; half a period is none.
  if (!found.from || !found.to || found.from > found.to) found.from = found.to = "";
  return found;
}

function dayOf(text) {
  const at = new Date(`${text}T12:00:00Z`);
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== text ? "" : text;
}

/** A range of hours of the day, such as 8-12 or 22-6; any other text is none. */
function hoursOf(text) {
  const [first, after] = (/^(\d{1,2})-(\d{1,2})$/.exec(text) ?? []).slice(1).map(Number);
  return first < 24 && after > 0 && after <= 24 && first !== after ? text : "";
}

function place(text) {
  const numbers = text.split(",").map(Number);
  return numbers.length === 3 && numbers.every(Number.isFinite) ? numbers : null;
}

function announce(before, why) {
  for (const listen of listeners) listen(current, before, why);
}

window.addEventListener("popstate", () => {
  const before = current;
  current = read();
  announce(before, "back");
});
