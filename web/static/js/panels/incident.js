/** The card of an incident: what is known, who could do it, and what may be done next; one click dispatches. */

import { ask } from "../api.js";
import { chip } from "../components.js";
import { make } from "../dom.js";
import { icon } from "../icons.js";
import { age, coded, count, dayTime, named, namedIn, word } from "../words.js";
import { dispatchTo, step } from "./dispatch.js";

const KEYS = 5;
const LINES = 6;

/** What stands on the card of one incident. */
export async function incidentCard(id, options) {
  const incident = await ask(`/incidents/${encodeURIComponent(id)}`, {}, options);
  const dispatch = incident.steps.some(({ action }) => action === "dispatch");
  const hands = dispatch ? await ask(`/incidents/${incident.id}/hands`, {}, options) : null;
  const others = incident.steps.filter(({ action }) => action !== "dispatch");
  return [
    make("h3", {}, incident.title || named(incident.category)),
    make("p", { className: "sub" }, where(incident)),
    make(
      "p",
      { className: "marks" },
      chip(word(`severity.${incident.severity}`), `s${incident.severity}`),
      chip(coded("state", incident.state)),
      incident.overdue && chip(word("overdue"), "alarm", "alarm"),
      incident.supervised && chip(word("act.supervised"), "watch", "eye"),
      incident.level !== "grid" && chip(word("act.at_level", { level: word(`level.${incident.level}`) })),
    ),
    make("p", { className: "sub" }, facts(incident)),
    hands && [make("h4", {}, word("act.to_whom")), make("div", { className: "hands" }, choices(incident, hands))],
    others.length > 0 && make("div", { className: "steps", role: "group", "aria-label": word("act.next") }, others.map((each) => stepButton(incident, each))),
    history(incident),
  ];
}

/** The card has come to a reader with the keyboard: they stand on its first choice. */
export function atHand(section) {
  section.querySelector(".hands button, .steps button, .close")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
  if (/^\d$/.test(event.key)) document.querySelector(`.hand[aria-keyshortcuts="${event.key}"]`)?.click();
});

const where = ({ title, category, community, grid }) =>
  [title && named(category), community ? named(community) : word("feed.unplaced"), grid && namedIn(grid, community)].filter(Boolean).join(" · ");

const facts = ({ address, reported_at: at, due_at: due, officer }) =>
  [address, age(at), due && word("act.due", { time: dayTime(due) }), officer && `${word("officer.one")} ${officer.name}`].filter(Boolean).join(" · ");

function choices(incident, { grid_officer: own, nearest, queue }) {
  const officers = [own && hand(incident, own, true), ...nearest.map((each) => hand(incident, each, false))];
  const waiting =
    queue && choice(incident, { queue: true }, { shown: word("act.queue"), told: named(queue) }, icon("people"), [word("act.waiting", { n: count(queue.waiting) })], "queue");
  const buttons = [...officers, waiting].filter(Boolean);
  buttons.slice(0, KEYS).forEach((button, at) => {
    button.setAttribute("aria-keyshortcuts", String(at + 1));
    button.append(make("kbd", { "aria-hidden": "true" }, String(at + 1)));
  });
  return [!own && make("p", { className: "sub" }, word("act.nobody_answers")), ...buttons];
}

function hand(incident, { id, name, on_duty: duty, distance_m: away, open }, answers) {
  const beside = [
    answers && word("act.answers"),
    !duty && word("officer.off"),
    away !== null && word("unit.metres", { n: count(away) }),
    word("act.load", { n: count(open) }),
  ].filter(Boolean);
  return choice(incident, { officer_id: id }, { shown: name, told: name }, make("i", { className: duty ? "dot on" : "dot" }), beside, `officer-${id}`);
}

/** A button that dispatches. `shown` stands on it, `told` is said when it is done. */
function choice(incident, to, { shown, told }, mark, beside, act) {
  const button = make(
    "button",
    {
      type: "button",
      className: "hand",
      "data-act": act,
      onclick: () => dispatchTo(incident, to, told, button),
    },
    mark,
    make("span", { className: "who" }, make("span", { className: "unseen" }, `${word("act.to_whom")} `), make("b", {}, shown), make("span", { className: "sub number" }, beside.join(" · "))),
  );
  return button;
}

function stepButton(incident, { action, needs }) {
  const asks = needs.length > 0 ? "…" : "";
  const button = make(
    "button",
    { type: "button", className: "button small", "data-act": action, onclick: () => step(incident, { action, needs }, button) },
    `${word(`action.${action}`)}${asks}`,
  );
  return button;
}

function history({ log }) {
  const lines = [...log].reverse().slice(0, LINES);
  return make(
    "details",
    { className: "history" },
    make("summary", {}, word("act.history", { n: count(log.length) })),
    make(
      "ul",
      { className: "list", tabIndex: 0, "aria-label": word("act.history", { n: count(log.length) }) },
      lines.map(({ action, at, note, overdue }) =>
        make("li", {}, make("span", {}, coded("action", action)), overdue && chip(word("overdue"), "alarm"), note && make("span", {}, note), make("span", { className: "sub number" }, dayTime(at))),
      ),
    ),
  );
}
