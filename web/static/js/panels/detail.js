/** The card of a grid or a building: who answers, who lives there in numbers, what is open, how hot it is. */

import { ask } from "../api.js";
import { failed } from "../components.js";
import { make, put, skeleton } from "../dom.js";
import { still } from "../focus.js";
import { icon } from "../icons.js";
import { atHand, incidentCard } from "./incident.js";
import { change, state } from "../state.js";
import * as household from "./household.js";
import * as why from "./why.js";
import { age, area, coded, count, decimal, named, namedIn, word } from "../words.js";

// A card that was asked for before a step would offer the step once more.
let steps = 0;
document.addEventListener("acted", () => steps++);

/** Follow the state's incident, building and grid in `section`. */
export async function show(section, district, permissions) {
  const { grid, building, incident } = state();
  if (!grid && !building && !incident) {
    section.hidden = true;
    section.dataset.for = "";
    return;
  }
  const body = section.querySelector(".body");
  const key = keyOf(state());
  const held = document.activeElement;
  const byKeyboard = held?.matches(":focus-visible");
  section.hidden = false;
  section.dataset.for = key;
  put(body, skeleton());
  try {
    const content = await card(state(), permissions);
    if (section.dataset.for !== key) return;
    put(body, closing(), content);
    if (byKeyboard && still(held)) atHand(section);
  } catch (problem) {
    if (section.dataset.for === key)
      put(
        body,
        closing(),
        problem.status === 404 ? make("p", { className: "failed" }, word("error.not_found")) : failed(problem, () => show(section, district, permissions)),
      );
  }
}

/** The card that is shown, asked for anew after a change ({layers, whole}); returns what shows it. */
export async function renew(section, permissions, { layers, whole }) {
  const { building, incident } = state();
  const key = keyOf(state());
  if (section.hidden || section.dataset.for !== key) return null;
  // Who lives there is written down each time it is asked: not with every incident of the district.
  if (building && !incident && !whole && !layers.has("building")) return null;
  const then = steps;
  const content = await card(state(), permissions, { background: true });
  return () => then === steps && section.dataset.for === key && inPlace(section, () => put(section.querySelector(".body"), closing(), content));
}

/** Another period, other categories or hours: what a grid counts, and why it stands out, is told anew. */
export async function refilter(section, permissions) {
  const { grid, building, incident } = state();
  if (grid && !building && !incident) (await renew(section, permissions, { whole: true }).catch(() => null))?.();
}

const keyOf = ({ grid, building, incident }) => (incident ? `incident/${incident}` : `${grid}/${building}`);

async function card({ grid, building, incident, category, hours }, permissions, options = {}) {
  if (incident) return incidentCard(incident, options);
  return building ? buildingCard(building, permissions, options) : gridCard(await ask(`/grids/${grid}/card`, { category, hours }, options), permissions);
}

/** Put something else into a section and leave the focus on the same button, where it is still there. */
function inPlace(section, putIn) {
  const held = section.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  putIn();
  if (held) (section.querySelector(`[data-act="${held}"]`) ?? section.querySelector("button"))?.focus({ preventScroll: true });
}

const closing = () =>
  make("button", { type: "button", className: "tool close", "data-act": "close", "aria-label": word("close"), onclick: shut }, icon("close"));

function shut() {
  const { incident, building } = state();
  change(incident ? { incident: "" } : building ? { building: "", at: null } : { grid: "", building: "", at: null }, { step: true });
}

function gridCard(card, permissions) {
  const where = (card.ancestors ?? [])
    .filter(({ level }) => level !== "district")
    .map(named)
    .join(" · ");
  return [
    make("h3", {}, namedIn(card, card.ancestors?.at(-1))),
    make("p", { className: "sub" }, where),
    make("p", { className: "sub number" }, card.code),
    figures([
      ["card.households", count(card.households)],
      ["card.buildings", count(card.buildings)],
      ["card.area", area(card.area_m2)],
      ["card.today", count(card.today)],
      ["card.open", count(card.open)],
      ["card.overdue", count(card.overdue)],
    ]),
    hotLine(card.hotspot),
    why.section(card.id, card.households, permissions),
    make("h4", {}, word("card.officer")),
    card.officer
      ? person(card.officer, card.officer.phone_masked)
      : make("p", { className: "chip watch" }, icon("watch"), word("fill.unassigned")),
    (card.nearest_officers ?? []).length > 0 && make("h4", {}, word("card.nearest")),
    (card.nearest_officers ?? []).map((each) => person(each, word("unit.metres", { n: count(each.distance_m) }))),
    care(card.residents_by_care),
  ];
}

/** Who answers for a building: the officer of its grid. */
function answering(grid) {
  const host = make("div", {});
  ask(`/grids/${grid}/card`).then(
    ({ officer }) => put(host, make("h4", {}, word("card.officer")), officer ? person(officer, officer.phone_masked) : make("p", { className: "chip watch" }, icon("watch"), word("fill.unassigned"))),
    () => null,
  );
  return host;
}

const figures = (pairs) =>
  make(
    "dl",
    {},
    pairs.map(([key, value]) => make("div", { title: word(`${key}.formula`) }, make("dt", {}, word(key)), make("dd", {}, value))),
  );

const person = ({ name, on_duty: duty }, beside) =>
  make(
    "div",
    { className: "person" },
    make("i", { className: duty ? "dot on" : "dot" }),
    make("span", {}, name),
    make("span", { className: "number sub" }, beside ?? ""),
    make("span", { className: duty ? "chip good" : "chip" }, word(duty ? "officer.on" : "officer.off")),
  );

function hotLine(hotspot) {
  if (!hotspot || Math.abs(hotspot.class) < 90) return null;
  const key = hotspot.class > 0 ? "hot.here" : "hot.cold_here";
  return make(
    "p",
    { className: hotspot.class > 0 ? "chip alarm" : "chip", title: word("hot.formula") },
    hotspot.class > 0 && icon("alarm"),
    word(key, { level: Math.abs(hotspot.class), q: decimal(hotspot.q, 3) }),
  );
}

function care(classes) {
  const rows = Object.entries(classes ?? {});
  if (!rows.length) return null;
  return [
    make("h4", {}, word("card.care")),
    make(
      "ul",
      { className: "list", tabIndex: 0, "aria-label": word("card.care") },
      rows.map(([name, n]) => make("li", {}, make("span", {}, coded("care", name)), make("span", {}, count(n)))),
    ),
  ];
}

async function buildingCard(id, permissions, options) {
  const building = await ask(`/buildings/${id}`, {}, options);
  const households = permissions.includes("households") ? (await ask(`/buildings/${id}/households`, {}, options)).items : null;
  const where = [building.community && named(building.community), building.grid && namedIn(building.grid, building.community)]
    .filter(Boolean)
    .join(" · ");
  return [
    make("h3", {}, building.name || building.address || building.code),
    make("p", { className: "sub" }, [building.address, where].filter(Boolean).join(" · ")),
    figures([
      ["card.use", coded("use", building.use ?? "unknown")],
      ["card.levels", building.levels == null ? "–" : count(building.levels)],
      ["card.households", count(building.households)],
    ]),
    building.grid && answering(building.grid.id),
    households === null ? make("p", { className: "sub" }, word("card.no_permission")) : household.list(households, permissions),
  ];
}
