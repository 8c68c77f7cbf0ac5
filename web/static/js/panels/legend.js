/** What the colours mean: classes with their unit, hot spots with method, date and n. */

import { failed } from "../components.js";
import { make, put } from "../dom.js";
import * as emerging from "./emerging.js";
import { icon } from "../icons.js";
import { figure, nothingOf } from "../fills.js";
import { drawFacility } from "../layers/facilities.js";
import { hatch } from "../layers/ground.js";
import { swatch } from "../layers/hotspots.js";
import { drawOfficer } from "../layers/officers.js";
import { ramp } from "../palette.js";
import { change, state } from "../state.js";
import { keeping } from "../tools.js";
import { coded, count, day, span, word } from "../words.js";
import { OVERLAYS } from "./switches.js";

const COUNTED = new Set(["rate", "open", "overdue_share"]); // measures whose n is a number of incidents

/** Draw the legend of the present fill and of the layers that are shown and may be seen. */
export function show(body, fill, district, permissions) {
  const layers = state().layers.filter((name) => permissions.includes(OVERLAYS[name]));
  put(
    body,
    fillKey(fill),
    layers.includes("hotspots") && hotKey(district),
    layers.includes("incidents") && incidentKey(),
    layers.includes("facilities") && facilityKey(),
    layers.includes("officers") && officerKey(),
  );
}

/** The button that folds the legend away, so that the map under it can be seen. */
export function fold(section) {
  const button = make("button", { type: "button", className: "fold", "aria-controls": section.id, onclick: () => turn(!section.classList.contains("folded")) });
  const turn = (folded) => {
    section.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.title = word(folded ? "legend.unfold" : "legend.fold");
    button.setAttribute("aria-label", button.title);
    put(button, folded && word("legend.title"), icon(folded ? "up" : "down"));
  };
  section.prepend(button);
  turn(false);
}

function fillKey({ metric, answer }) {
  if (!answer) return make("div", {}, make("h3", {}, word("fill.none")));
  const parts = [
    make(
      "h3",
      { title: word(`fill.${metric}.formula`) },
      word(`fill.${metric}`),
      make("span", { className: "unit" }, ` ${word(`fill.${metric}.unit`)}`),
    ),
  ];
  if (metric !== "assignment" && answer.breaks.length) parts.push(classes(metric, answer));
  const nothing = Object.values(answer.values).some((value) => value === null);
  if (nothing) parts.push(keyline(patch(), nothingOf(metric)));
  if (metric === "assignment")
    parts.push(make("p", { className: "meta" }, word("fill.assignment.note", { n: count(Object.keys(answer.officers ?? {}).length) })));
  else parts.push(make("p", { className: "meta" }, period(answer)));
  return make("div", {}, parts);
}

function classes(metric, { breaks }) {
  const blocks = ramp().map((tint) => {
    const block = make("i");
    block.style.background = tint;
    return block;
  });
  const ticks = breaks.map((value) => make("span", {}, figure(metric, value)));
  return make(
    "div",
    { role: "img", "aria-label": word("legend.classes", { breaks: breaks.map((value) => figure(metric, value)).join(", ") }) },
    make("div", { className: "ramp" }, blocks),
    make("div", { className: "ticks" }, ticks, make("span", {}, "·")),
  );
}

function period({ metric, period: asked, n }) {
  const parts = [];
  if (asked?.from && COUNTED.has(metric)) parts.push(span(asked.from, asked.to));
  if (n != null && COUNTED.has(metric)) parts.push(word("legend.n", { n: count(n) }));
  return parts.join(" · ");
}

/** Why there is no map of hot spots: nobody asked, it is not done, or it did not become one; the page of the analysis says more. */
export function unmade({ unmade: newest }) {
  const why = { asked: "working", running: "working", refused: "refused", failed: "is_failed" }[newest?.state] ?? "no_run";
  const more = newest && why !== "no_run" && make("a", { className: "link", href: keeping(`/reports/${newest.id}`) }, word("clusters.report"), icon("next"));
  return { text: word(`legend.${why}`), more };
}

function hotKey(district) {
  const { run, failure } = district.hotspots;
  if (failure && !run) return make("div", {}, make("hr"), make("h3", {}, word("hot.title")), failed(failure, () => district.hotspots.load()));
  const none = unmade(district.hotspots);
  const about = run
    ? [
        word("legend.run", { method: coded("method", run.method), date: day(run.done_at) }),
        span(run.period_from, new Date(run.period_to).getTime() - 1),
        word("legend.run_n", { n: count(run.incidents), grids: count(run.grids) }),
      ]
    : [none.text];
  return make(
    "div",
    {},
    make("hr"),
    make("h3", { title: word("hot.formula") }, word("hot.title")),
    run &&
      make(
        "div",
        { className: "hotkeys" },
        [99, 95, 90].map((level) => keyline(swatch(level), word("hot.level", { level }))),
        keyline(swatch(-90), word("hot.cold")),
      ),
    about.map((line) => make("p", { className: "meta" }, line)),
    run && make("button", { type: "button", className: "link", onclick: () => change({ rows: "hotspots" }, { step: true }) }, word("hot.open"), icon("next")),
    run ? emerging.key(district) : none.more,
  );
}

function incidentKey() {
  const dot = make("i", { "aria-hidden": "true" });
  dot.style.cssText = "background:radial-gradient(circle at 50% 50%, var(--open) 0 4px, transparent 4.5px)";
  return make("div", {}, make("hr"), keyline(dot, word("legend.cells")));
}

const facilityKey = () =>
  pairKey("layer.facilities", [
    ["status.working", (context) => drawFacility(context, { status: "working" }, 12, 7)],
    ["status.faulty", (context) => drawFacility(context, { status: "faulty" }, 12, 7)],
  ]);

const officerKey = () =>
  pairKey("layer.officers", [
    ["officer.on", (context) => drawOfficer(context, { on_duty: true }, 12, 7, 14)],
    ["officer.off", (context) => drawOfficer(context, { on_duty: false }, 12, 7, 14)],
  ]);

/** Two states of what a layer shows, each with the mark it has on the map. */
function pairKey(title, states) {
  const lines = states.map(([key, draw]) => {
    const canvas = make("canvas", { width: 24, height: 14, "aria-hidden": "true" });
    draw(canvas.getContext("2d"));
    return keyline(canvas, word(key));
  });
  return make("div", {}, make("hr"), make("h3", {}, word(title)), make("div", { className: "hotkeys" }, lines));
}

const keyline = (mark, text) => make("div", { className: "keyline" }, mark, text);

function patch() {
  const canvas = make("canvas", { width: 24, height: 14, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.fillStyle = hatch(context);
  context.fillRect(0, 0, 24, 14);
  return canvas;
}
