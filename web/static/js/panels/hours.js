/** Twenty-four hours of reports: a range of them filters everything else, and play moves the range through the day. */

import { onAnswer } from "../api.js";
import { make, put } from "../dom.js";
import { keepingFocus } from "../focus.js";
import { icon } from "../icons.js";
import { change, onChange, state } from "../state.js";
import { count, word } from "../words.js";
import { empty } from "./empty.js";

const DAY = 24;
const WIDTH = 3; // hours that play looks at when nobody chose a range
const STEP_MS = 1_600;
const GONE = [0, 401]; // the line, or the session

/** The hours of a state as [first, after]; the whole day where none are chosen. */
export function range(hours) {
  const found = /^(\d{1,2})-(\d{1,2})$/.exec(hours);
  const [first, after] = found ? found.slice(1).map(Number) : [0, DAY];
  return first < DAY && after > 0 && after <= DAY && first !== after ? [first, after] : [0, DAY];
}

/** Hours in words. */
export function told(hours) {
  const [from, to] = range(hours);
  return word("hours.hour", { from, to });
}

const written = (first, after) => ((after - first + DAY) % DAY === 0 ? "" : `${first}-${after}`);

/** Whether an hour lies in a range. */
export const holds = ([first, after], hour) => (first < after ? hour >= first && hour < after : hour >= first || hour < after);

/** Draw the bars and the range under them. */
export function show(body, { hours: counts }) {
  if (!counts.some(Boolean)) return empty(body, { offer: true });
  const chosen = range(state().hours);
  const most = Math.max(...counts);
  const busiest = counts.indexOf(most);
  const bars = counts.map((n, hour) => {
    const fill = make("i");
    fill.style.height = `${(n / most) * 100}%`;
    return make(
      "button",
      {
        type: "button",
        "data-hour": hour,
        "data-focus": hour,
        tabIndex: hour === (chosen[0] % DAY) ? 0 : -1,
        className: hour === busiest ? "most" : "",
        "aria-pressed": String(Boolean(state().hours) && holds(chosen, hour)),
        "data-explain": `${word("hours.hour", { from: hour, to: hour + 1 })}\n${word("hours.n", { n: count(n) })}\n${word("hours.how")}`,
        "aria-label": `${word("hours.hour", { from: hour, to: hour + 1 })}, ${count(n)}`,
      },
      fill,
      make("span", { "aria-hidden": "true" }, hour % 3 === 0 ? String(hour) : ""),
    );
  });
  const strip = make("div", { className: state().hours ? "hours some" : "hours", role: "group", "aria-label": word("hours.said", { hour: busiest, n: count(most) }) }, bars);
  brush(strip);
  keepingFocus(body, () => put(body, strip));
}

/** Drag over bars to choose a range; arrows walk, Shift with an arrow widens, Enter chooses one hour or all again. */
function brush(strip) {
  let from = null;
  let to = null;
  const at = ({ clientX }) => {
    const { left, width } = strip.getBoundingClientRect();
    return Math.max(0, Math.min(DAY - 1, Math.floor(((clientX - left) / width) * DAY)));
  };
  const light = () => {
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    strip.classList.add("some");
    for (const bar of strip.children) bar.setAttribute("aria-pressed", String(bar.dataset.hour >= low && bar.dataset.hour <= high));
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = to = at(event);
    strip.setPointerCapture(event.pointerId);
    light();
  });
  strip.addEventListener("pointermove", (event) => {
    if (from === null) return;
    to = at(event);
    light();
  });
  strip.addEventListener("pointerup", () => {
    if (from === null) return;
    const next = written(Math.min(from, to), Math.max(from, to) + 1);
    from = null;
    choose(next);
  });
  strip.addEventListener("pointercancel", () => (from = null));
  strip.addEventListener("keydown", (event) => {
    const hour = Number(event.target.dataset.hour);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") choose(written(hour, hour + 1));
    else if (step && event.shiftKey) {
      const [first, after] = state().hours ? range(state().hours) : [hour, hour + 1];
      change({ hours: step > 0 ? written(first, Math.min(DAY, after + 1)) : written(first, Math.max(first + 1, after - 1)) });
    } else if (step) strip.children[(hour + step + DAY) % DAY].focus();
    else return;
    event.preventDefault();
  });
}

/** The same range once more is none. */
const choose = (hours) => change({ hours: hours === state().hours ? "" : hours }, { step: true });

/** Play, and what hours are chosen, in a heading; stops by itself when somebody chooses otherwise, and waits until the panels are `ready`. */
export function controls(host, ready) {
  let timer = null;
  let playing = "";
  const play = make("button", { type: "button", className: "button small", onclick: () => (timer ? stop() : start()) });
  const all = make("button", { type: "button", className: "button small", onclick: () => (stop(), change({ hours: "" }, { step: true })) });
  const draw = () => {
    const { hours } = state();
    put(play, icon(timer ? "pause" : "play"), word(timer ? "hours.pause" : "hours.play"));
    play.setAttribute("aria-pressed", String(Boolean(timer)));
    all.hidden = !hours;
    put(all, told(hours), icon("close"));
    all.setAttribute("aria-label", `${told(hours)} · ${word("hours.clear")}`);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    draw();
  };
  const start = () => {
    const [first, after] = state().hours ? range(state().hours) : [6, 6 + WIDTH];
    const width = (after - first + DAY) % DAY || WIDTH;
    let hour = state().hours ? first : 6 - 1;
    const step = () => {
      if (!ready()) return;
      hour = (hour + 1) % DAY;
      const end = (hour + width) % DAY || DAY;
      playing = written(hour, end);
      change({ hours: playing });
    };
    timer = setInterval(step, STEP_MS);
    step();
    draw();
  };
  onChange((now, before) => {
    if (now.hours !== before.hours && timer && now.hours !== playing) stop();
    draw();
  });
  onAnswer(({ status }) => timer && GONE.includes(status) && stop());
  draw();
  host.append(make("span", { className: "hours-chosen" }, play, all));
}
