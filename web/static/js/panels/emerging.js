/** Hot and cold step by step: the newest analysis of emerging hot spots, on the map, with a slider and play. */

import { ask } from "../api.js";
import { make, put } from "../dom.js";
import { icon } from "../icons.js";
import { keeping } from "../tools.js";
import { count, date, word } from "../words.js";

const CLASS = 95; // steps say hot, cold or neither; the map draws them as one class
const EACH_MS = 1_000;
let held = null;
let timer = null;

/** What the legend shows of it: the way to it, or the slider. */
export function key(district) {
  const host = make("div", { className: "emerging" });
  draw(host, district);
  return host;
}

function draw(host, district) {
  if (!held) return put(host, make("button", { type: "button", className: "link", onclick: () => load(host, district) }, word("emerging.open"), icon("next")));
  const last = held.starts.length - 1;
  const told = () => word("emerging.step", { from: date(held.starts[held.step]), n: count(held.units.filter(({ steps }) => steps[held.step] > 0).length) });
  const note = make("p", { className: "meta" }, told());
  const slider = make("input", { type: "range", min: 0, max: last, value: held.step, "aria-label": word("emerging.title"), oninput: () => to(Number(slider.value)) });
  const to = (step) => {
    held.step = step;
    slider.value = step;
    slider.setAttribute("aria-valuetext", told());
    note.textContent = told();
    district.hotspots.over(new Map(held.units.map(({ grid_id: id, steps }) => [id, { class: steps[step] * CLASS, q: null }])));
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    put(play, icon("play"), word("hours.play"));
  };
  const start = () => {
    put(play, icon("pause"), word("hours.pause"));
    timer = setInterval(() => (slider.isConnected ? to((held.step + 1) % (last + 1)) : stop()), EACH_MS);
  };
  const play = make("button", { type: "button", className: "button small", onclick: () => (timer ? stop() : start()) });
  const leave = () => {
    stop();
    held = null;
    district.hotspots.over(null);
    draw(host, district);
  };
  stop();
  put(
    host,
    make("h3", {}, word("emerging.title")),
    slider,
    note,
    make(
      "div",
      { className: "row" },
      play,
      make("a", { className: "button small", href: keeping(`/reports/${held.id}`) }, icon("report"), word("clusters.report")),
      make("button", { type: "button", className: "button small", onclick: leave }, word("emerging.leave")),
    ),
  );
  to(held.step);
}

async function load(host, district) {
  try {
    const { items } = await ask("/analyses", { method: "emerging", state: "done", limit: 1 });
    const { result } = items.length ? await ask(`/analyses/${items[0].id}`) : { result: null };
    const starts = result?.series?.starts ?? [];
    if (!starts.length) return put(host, make("p", { className: "meta" }, word("emerging.none")));
    held = { id: items[0].id, starts, units: result.units.filter(({ steps }) => steps), step: starts.length - 1 };
    draw(host, district);
  } catch {
    put(host, make("p", { className: "meta" }, word("error.failed")));
  }
}
