/** Six figures, each with its reference, its last fourteen days and a threshold as icon and text. */

import { draw, make, put } from "../dom.js";
import { icon } from "../icons.js";
import { count, decimal, percent, span, word } from "../words.js";

const BETTER = { open: -1, overdue: -1, closing_rate: 1, mean_handling: -1, on_duty: 1 };
const WATCH = 0.08;
const ALARM = 0.25;

/** Draw the cards from an overview's `kpi`. */
export function show(body, { kpi, period }) {
  put(
    body,
    make(
      "div",
      { className: "kpis" },
      kpi.map((item) => card(item, period)),
    ),
  );
}

function card(item, period) {
  const state = stateOf(item);
  const [value, unit] = figure(item);
  const fraction = item.denominator == null ? "" : ` ${count(item.numerator)} / ${count(item.denominator)}`;
  const formula = `${word(`kpi.${item.id}.formula`)}${fraction} · ${span(period.from, period.to)}`;
  return make(
    "div",
    {
      className: `kpi ${state}`,
      title: formula,
      "data-kpi": item.id,
      role: "group",
      "aria-label": word(`kpi.${item.id}`),
      "aria-description": formula,
    },
    make("span", { className: "name" }, word(`kpi.${item.id}`)),
    make("span", { className: "value number" }, value, unit && make("small", {}, unit)),
    spark(item.series) ?? make("span"),
    change(item),
    state === "plain" ? make("span") : make("span", { className: `chip ${state}` }, icon(state), word(`threshold.${state}`)),
  );
}

function figure({ value, unit, denominator, id }) {
  if (value == null) return ["–", ""];
  if (unit === "ratio") return [value >= 0.9995 ? count(100) : decimal(value * 100), "%"];
  if (unit === "hours") return value >= 72 ? [decimal(value / 24), word("unit.days")] : [decimal(value), word("unit.hours")];
  if (id === "on_duty" && denominator != null) return [count(value), `/ ${count(denominator)}`];
  return [count(value), ""];
}

/** Change against the reference: in points for rates, in percent for the rest. */
function change({ value, reference, unit }) {
  if (value == null || reference == null) return make("span", { className: "change" }, word("kpi.no_reference"));
  const difference = unit === "ratio" ? value - reference : reference ? value / reference - 1 : 0;
  const arrow = Math.abs(difference) < 0.0005 ? "→" : difference > 0 ? "↑" : "↓";
  const size = unit === "ratio" ? word("kpi.points", { n: decimal(Math.abs(difference) * 100) }) : percent(Math.abs(difference), 1);
  return make(
    "span",
    {
      className: "change number",
      title: word("kpi.reference", { value: unit === "ratio" ? percent(reference) : decimal(reference, unit === "hours" ? 1 : 0) }),
    },
    make("b", {}, `${arrow} ${size}`),
  );
}

function stateOf({ id, value, reference }) {
  if (!(id in BETTER) || value == null || !reference) return "plain";
  const worse = (value / reference - 1) * -BETTER[id];
  return worse > ALARM ? "alarm" : worse > WATCH ? "watch" : "good";
}

function spark(series) {
  const values = (series ?? []).filter((each) => each != null);
  if (values.length < 2) return null;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const at = (value, i) => `${((i / (values.length - 1)) * 64).toFixed(1)} ${(20 - ((value - low) / (high - low || 1)) * 17).toFixed(1)}`;
  const line = `M${values.map(at).join("L")}`;
  const [x, y] = at(values.at(-1), values.length - 1).split(" ");
  return draw(
    "svg",
    { class: "spark", viewBox: "0 0 64 22", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("path", { class: "under", d: `${line}V22H0Z` }),
    draw("path", { d: line }),
    draw("circle", { cx: x, cy: y, r: 2 }),
  );
}
