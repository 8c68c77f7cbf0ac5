/** Six figures, each with its reference, its last fourteen days and a threshold as icon and text; each opens its rows. */

import { draw, make, put } from "../dom.js";
import { keepingFocus } from "../focus.js";
import { icon } from "../icons.js";
import { change as turn } from "../state.js";
import { count, decimal, percent, span, word } from "../words.js";

const BETTER = { open: -1, overdue: -1, closing_rate: 1, mean_handling: -1, on_duty: 1 };
const WATCH = 0.08;
const ALARM = 0.25;

/** Draw the cards from an overview's `kpi`; a card keeps the focus when it is drawn anew. */
export function show(body, { kpi, period }) {
  keepingFocus(body, () => put(body, make("div", { className: "kpis" }, kpi.map((item) => card(item, period)))));
}

function card(item, period) {
  const state = stateOf(item);
  const [value, unit] = figure(item);
  const explained = lines(item, period);
  return make(
    "button",
    {
      type: "button",
      className: `kpi ${state}`,
      "data-kpi": item.id,
      "data-focus": item.id,
      "data-explain": explained.join("\n"),
      "aria-description": explained.slice(1).join(". "),
      "aria-haspopup": "dialog",
      onclick: () => turn({ rows: item.id }, { step: true }),
    },
    make("span", { className: "name" }, word(`kpi.${item.id}`)),
    spark(item.series),
    make("span", { className: "value number" }, value, unit && make("small", {}, unit)),
    state === "plain" ? make("span") : make("span", { className: `chip ${state}` }, icon(state), word(`threshold.${state}`)),
    make("span", { className: "change number" }, difference(item)),
  );
}

/** What the figure is: its name, its formula with both counts, its period, its reference. */
function lines({ id, numerator, denominator, reference, unit }, period) {
  const fraction = denominator == null ? "" : ` = ${count(numerator)} / ${count(denominator)}`;
  return [
    word(`kpi.${id}`),
    `${word(`kpi.${id}.formula`)}${fraction}`,
    id === "closing_rate" || id === "mean_handling" ? span(period.from, period.to) : null,
    reference == null ? word("kpi.no_reference") : word("kpi.reference", { value: told(reference, unit) }),
    word("kpi.rows"),
  ].filter(Boolean);
}

/** A value in words, in the unit a card shows it in. */
function told(value, unit) {
  const [number, sign] = figure({ value, unit });
  return unit === "hours" ? `${number} ${sign}` : number + sign;
}

function figure({ value, unit, denominator, id }) {
  if (value == null) return ["–", ""];
  if (unit === "ratio") return [value >= 0.9995 ? count(100) : decimal(value * 100), "%"];
  if (unit === "hours") return value >= 72 ? [decimal(value / 24), word("unit.days")] : [decimal(value), word("unit.hours")];
  if (id === "on_duty" && denominator != null) return [count(value), `/ ${count(denominator)}`];
  return [count(value), ""];
}

/** Change against the reference: in points for rates, in percent for the rest, as it is where there was nothing. */
function difference({ value, reference, unit, id, denominator }) {
  if (value == null || reference == null) return id === "on_duty" && denominator ? percent(value / denominator, 0) : word("kpi.no_reference");
  const share = unit !== "ratio" && reference > 0;
  const size = share ? value / reference - 1 : value - reference;
  const arrow = Math.abs(size) < 0.0005 ? "→" : size > 0 ? "↑" : "↓";
  const text = share ? percent(Math.abs(size), size < 1 ? 1 : 0) : unit === "ratio" ? word("kpi.points", { n: decimal(Math.abs(size) * 100) }) : told(size, unit);
  return [make("b", {}, `${arrow} ${text}`), ` ${word("kpi.from", { value: told(reference, unit) })}`];
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
