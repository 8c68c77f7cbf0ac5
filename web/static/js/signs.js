/** Says how fresh the page is: live, stale since when, the line lost, signed out or barred; always as text and icon. */

import { onAnswer } from "./api.js";
import { make, put } from "./dom.js";
import { icon } from "./icons.js";
import { notice, signIn } from "./notices.js";
import { clock, now, word } from "./words.js";

const KINDS = { starting: ["", "clock"], live: ["good", "good"], stale: ["watch", "watch"], lost: ["alarm", "alarm"], out: ["alarm", "out"], barred: ["alarm", "lock"] };

/** A mark before `beside` and, while something is wrong, a notice; returns `sign({state, since})`. */
export function signs(beside) {
  const mark = make("span", { className: "chip live-sign", id: "live", role: "status" });
  beside.before(mark);
  let line = { state: "starting", since: now() };
  let answers = "live";
  let shown = "";
  const draw = () => {
    const state = answers === "out" ? "out" : line.state === "live" ? answers : line.state;
    const time = clock(line.since, { hour: "2-digit", minute: "2-digit" });
    const key = `${state} ${time}`;
    const well = state === "live" || state === "starting";
    if (shown === (well ? state : key)) return;
    shown = well ? state : key;
    const [tint, name] = KINDS[state];
    const text = word(`live.${state}`, { time });
    mark.className = `chip live-sign ${tint}`;
    mark.dataset.state = state;
    mark.title = word(`live.${state}.hint`, { time });
    put(mark, icon(name), make("span", {}, text));
    const ended = state === "out" && document.body.dataset.wall;
    const said = ended ? word("live.out.wall") : word(`live.${state}.hint`, { time });
    notice("line", ...(well ? [] : [icon(name), said, ...(state === "out" && !ended ? [signIn()] : [])]));
    document.body.classList.toggle("stale", !well);
  };
  onAnswer((outcome) => {
    if (outcome === true || (outcome.status > 0 && outcome.status < 500 && outcome.status !== 401)) answers = "live";
    else if (outcome.status === 401) answers = "out";
    else if (outcome.status === 0) answers = "lost";
    draw();
  });
  document.addEventListener("lacking", ({ detail: some }) => notice("map", ...(some ? [icon("watch"), word("map.lacking")] : [])));
  draw();
  return (told) => {
    line = told;
    if (told.state === "live") answers = "live";
    draw();
  };
}
