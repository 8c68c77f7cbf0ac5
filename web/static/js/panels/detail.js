/** The card of a grid or a building: who answers, who lives there in numbers, what is open, how hot it is. */

import { ask } from "../api.js";
import { make, put, skeleton } from "../dom.js";
import { icon } from "../icons.js";
import { change, state } from "../state.js";
import * as household from "./household.js";
import * as why from "./why.js";
import { age, area, coded, count, decimal, named, namedIn, word } from "../words.js";

/** Follow the state's grid and building in `section`. */
export async function show(section, district, permissions) {
  const { grid, building } = state();
  if (!grid && !building) {
    section.hidden = true;
    return;
  }
  const body = section.querySelector(".body");
  const key = `${grid}/${building}`;
  section.hidden = false;
  section.dataset.for = key;
  put(body, skeleton());
  try {
    const content = building ? await buildingCard(building, permissions) : gridCard(await ask(`/grids/${grid}/card`), permissions);
    if (section.dataset.for === key) put(body, closing(building), content);
  } catch (problem) {
    if (section.dataset.for === key)
      put(
        body,
        closing(building),
        make("p", { className: "failed" }, problem.status === 404 ? word("error.not_found") : word("error.failed")),
      );
  }
}

const closing = (building) =>
  make(
    "button",
    {
      type: "button",
      className: "tool close",
      "aria-label": word("close"),
      onclick: () => change(building ? { building: "" } : { grid: "", building: "" }, { step: true }),
    },
    icon("close"),
  );

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
      { className: "list" },
      rows.map(([name, n]) => make("li", {}, make("span", {}, coded("care", name)), make("span", {}, count(n)))),
    ),
  ];
}

async function buildingCard(id, permissions) {
  const building = await ask(`/buildings/${id}`);
  const households = permissions.includes("households") ? (await ask(`/buildings/${id}/households`)).items : null;
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

/** What is known of one incident, over the map. */
export function incidentCard(section, incident) {
  const body = section.querySelector(".body");
  section.hidden = false;
  section.dataset.for = `incident/${incident.id}`;
  put(
    body,
    make(
      "button",
      { type: "button", className: "tool close", "aria-label": word("close"), onclick: () => (section.hidden = true) },
      icon("close"),
    ),
    make("h3", {}, incident.title || named(incident.category)),
    make(
      "p",
      { className: "sub" },
      [
        named(incident.category),
        incident.community && named(incident.community),
        incident.grid && namedIn(incident.grid, incident.community),
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    make(
      "p",
      {},
      make("span", { className: `chip s${incident.severity}` }, word(`severity.${incident.severity}`)),
      " ",
      make("span", { className: "chip" }, coded("state", incident.state)),
      " ",
      incident.overdue && make("span", { className: "chip alarm" }, icon("alarm"), word("overdue")),
    ),
    make(
      "p",
      { className: "sub" },
      [incident.address, age(incident.reported_at), incident.officer && `${word("officer.one")} ${incident.officer.name}`]
        .filter(Boolean)
        .join(" · "),
    ),
  );
}
