/** What is done to an incident from its card: told at once, taken back for ten seconds, and honest when somebody was faster. */

import { tell } from "../api.js";
import { explained, field, formDialog } from "../components.js";
import { make } from "../dom.js";
import { icon } from "../icons.js";
import { notice, say } from "../notices.js";
import { coded, isoDay, now, startOf, word } from "../words.js";

const DAY_MS = 86_400_000;
/** Incidents to which a step is on its way: a newer card of them offers no other meanwhile. */
const underway = new Set();
let takeBack = null;
/** What the last step from here made of an incident. A card of before it may stand for a moment yet: its next step is one on top of that. */
let reached = { id: 0, version: 0 };
/** What the last dispatch made of one: a card of before it has no choice left. */
let dispatched = { id: 0, version: 0 };

/** Send somebody, or put it into the queue: one click. Once it is done, all choices are spent until the card is made anew. */
export async function dispatchTo(incident, to, name, button) {
  if (incident.id === dispatched.id && incident.version < dispatched.version) return;
  const send = async () => {
    const sent = await done(incident, { action: "dispatch", ...to }, word("act.dispatched", { name }));
    if (sent) dispatched = reached;
    return sent;
  };
  await held(incident, [...button.closest(".hands").querySelectorAll("button")], send, { once: true });
}

/** Another step; what it needs is asked for first. */
export function step(incident, { action, needs }, button) {
  const told = () => word("act.done", { action: word(`action.${action}`) });
  if (!needs.length) return held(incident, [button], () => done(incident, { action }, told()));
  const fields = asked(needs);
  formDialog(word(`action.${action}`), Object.values(fields), word(`action.${action}`), async () => {
    const given = { action };
    if (fields.reason) given.note = fields.reason.querySelector("textarea").value.trim();
    if (fields.condition) given.confirmed = fields.condition.querySelector("input").checked;
    if (fields.date) given.until = startOf(fields.date.querySelector("input").value);
    await done(incident, given, told(), { inDialog: true });
  });
}

function asked(needs) {
  const fields = {};
  if (needs.includes("reason"))
    fields.reason = field(word("act.reason"), make("textarea", { className: "field", name: "note", rows: 3, maxLength: 2000, required: true }));
  if (needs.includes("date")) {
    const day = (days) => isoDay(now() + days * DAY_MS);
    fields.date = field(word("act.until"), make("input", { type: "date", className: "field", name: "until", required: true, min: day(1), max: day(365) }));
  }
  if (needs.includes("condition"))
    fields.condition = make("label", { className: "check" }, make("input", { type: "checkbox", name: "confirmed", required: true }), word("act.condition"));
  return fields;
}

async function done(incident, asked, text, { inDialog = false } = {}) {
  let told;
  try {
    told = await tell(`/incidents/${incident.id}/actions`, { version: versionOf(incident), ...asked });
  } catch (problem) {
    const late = problem.code === "stale-version";
    if (late) again();
    if (inDialog) throw late ? overtaken(incident, problem) : problem;
    say(late ? word("act.others_first", { state: coded("state", problem.facts.state) }) : refused(problem));
    return false;
  }
  reached = told;
  if (told.undo_s) offer(told, text);
  else say(text);
  again();
  return true;
}

const versionOf = ({ id, version }) => (id === reached.id ? Math.max(version, reached.version) : version);

/** Somebody acted while a reason was being typed: it stays, and whoever has read what is now may send it on top of that. */
function overtaken(incident, problem) {
  reached = { id: incident.id, version: problem.facts.version };
  problem.told = word("act.others_first_still", { state: coded("state", problem.facts.state) });
  return problem;
}

/** Take back what was just done: by the button, or by Ctrl+Z, until the time is over. */
function offer(told, text) {
  clearInterval(takeBack?.watch);
  const left = make("span", { className: "number", "aria-hidden": "true" });
  const until = Date.now() + told.undo_s * 1000;
  let asking = false;
  const undo = async () => {
    if (asking) return;
    asking = true;
    try {
      reached = await tell(`/incidents/${told.id}/undo`, { version: told.version });
      shut();
      say(word("act.undone"));
    } catch (problem) {
      // Where the line broke it is still offered, for as long as there is time.
      if (problem.status === 0) asking = false;
      else shut();
      say(problem.code === "stale-version" ? word("act.others_since", { state: coded("state", problem.facts.state) }) : refused(problem));
    }
    again();
  };
  const shut = () => {
    clearInterval(watch);
    if (takeBack?.undo !== undo) return; // another step has taken its place
    takeBack = null;
    notice("undo");
  };
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (seconds <= 0) return shut();
    left.textContent = String(seconds);
  };
  const watch = setInterval(tick, 250);
  takeBack = { undo, watch };
  tick();
  notice("undo", icon("good"), make("span", {}, text), make("button", { type: "button", className: "button small primary", onclick: undo, "aria-keyshortcuts": "Control+Z" }, word("act.undo"), left));
}

document.addEventListener("keydown", (event) => {
  if (!takeBack || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  event.preventDefault();
  takeBack.undo();
});

/** The page shows what is now, before the stream says it. */
const again = () => document.dispatchEvent(new CustomEvent("acted"));

const refused = (problem) =>
  problem.facts?.reason === "too-late" ? word("act.too_late") : problem.facts?.reason === "nothing" ? word("act.nothing") : explained(problem);

/** Nothing is sent twice by a second click or key. A button that is held keeps the focus, which one that is disabled would lose. */
async function held({ id }, buttons, work, { once = false } = {}) {
  if (underway.has(id) || buttons.some(isHeld)) return;
  const hold = (yes) => buttons.forEach((each) => (yes ? each.setAttribute("aria-disabled", "true") : each.removeAttribute("aria-disabled")));
  hold(true);
  underway.add(id);
  let spent = false;
  try {
    spent = (await work()) && once;
  } finally {
    underway.delete(id);
    hold(spent);
  }
}

const isHeld = (button) => button.getAttribute("aria-disabled") === "true";
