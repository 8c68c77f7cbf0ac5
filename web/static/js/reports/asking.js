/** The form of a question: method, area, period, categories, sources, and the method's own parameters with what they mean. */

import { field, select } from "../components.js";
import { make, put } from "../dom.js";
import { coded, isoDay, known, named, word } from "../words.js";

const DAY_MS = 86_400_000;
const CHECKS = ["pile", "same-event", "midnight", "day-pile", "level"];
const SHOWN = ["model", "weights", "reach_m", "reach_days", "min_points", "step", "bandwidth_m", "by", "least", "bands_m", "bands_days"];

/** A question as one fills it in. */
export class Asking {
  constructor({ methods, areas, categories, sources, now }) {
    this.methods = new Map(methods.map((each) => [each.method, each]));
    this.own = make("div", { className: "stack" });
    this.more = make("div", { className: "stack" });
    this.about = make("p", { className: "note" });
    const offered = methods.filter(({ method }) => method !== "watch");
    this.method = select(offered.map(({ method }) => [method, word(`method_name.${method}`)]), "gi", { name: "method", onchange: () => this.chosen() });
    this.area = select([["", word("plans.any_area")], ...tree(areas)], "", { name: "area" });
    const last = new Date(now);
    this.from = make("input", { type: "date", className: "field", name: "from", max: isoDay(last), oninput: () => (this.dated = true) });
    this.to = make("input", { type: "date", className: "field", name: "to", value: isoDay(last), max: isoDay(last) });
    this.categories = many(grouped(categories), "categories");
    this.sources = many(sources.map((each) => [each, coded("source", each)]), "sources");
    this.unit = select([["grid", word("level.grid")], ["community", word("level.community")]], "grid", { name: "unit" });
    this.seed = make("input", { type: "number", className: "field", name: "seed", min: 0, max: 2 ** 31 - 1, value: 20261 });
    this.least = make("input", { type: "number", className: "field", name: "small_cell", min: 1, max: 100, value: 5 });
    this.doubts = CHECKS.map((check) => [check, select([["", word("reports.usual")], ["keep", word("doubt_done.kept")], ["drop", word("doubt_done.dropped")]], "", { name: check })]);
    this.denominator = make("select", { className: "field", name: "denominator" });
    this.element = make(
      "div",
      { className: "stack" },
      field(word("report.method"), this.method),
      this.about,
      field(word("report.area"), this.area),
      make("div", { className: "two" }, field(word("period.from"), this.from), field(word("period.to"), this.to)),
      field(word("report.categories"), this.categories, { hint: word("reports.many_hint") }),
      field(word("report.sources"), this.sources, { hint: word("reports.many_hint") }),
      field(word("report.denominator"), this.denominator),
      this.own,
      make(
        "details",
        {},
        make("summary", {}, word("reports.more_choices")),
        make(
          "div",
          { className: "stack" },
          this.more,
          field(word("report.unit_of"), this.unit),
          field(word("reports.small_cell"), this.least, { hint: word("reports.small_cell_help") }),
          field(word("report.seed"), this.seed, { hint: word("reports.seed_help") }),
          make("h3", {}, word("report.part.doubts")),
          this.doubts.map(([check, input]) => field(word(`doubt.${check}`), input)),
        ),
      ),
    );
    this.chosen();
  }

  /** What the chosen method needs. */
  chosen() {
    const { denominators, parameters, days } = this.methods.get(this.method.value);
    if (!this.dated) this.from.value = isoDay(new Date(Date.parse(`${this.to.max}T12:00:00Z`) - (days - 1) * DAY_MS));
    this.about.textContent = word(`reports.about.${this.method.value}`);
    put(this.denominator, denominators.map((each) => make("option", { value: each }, word(`report.base.${each}`))));
    this.inputs = Object.entries(parameters).map(([name, schema]) => [name, schema, inputOf(name, schema)]);
    // How far neighbours reach matters for some kinds of neighbours only.
    const shown = (name) => SHOWN.includes(name) && !(name === "reach_m" && "weights" in parameters);
    const fieldOf = ([name, , input]) => field(word(`parameter.${name}`), input, { hint: known(`parameter_help.${name}`) ? word(`parameter_help.${name}`) : "" });
    put(this.own, this.inputs.filter(([name]) => shown(name)).map(fieldOf));
    put(this.more, this.inputs.filter(([name]) => !shown(name)).map(fieldOf));
  }

  /** A name for what is asked. */
  title() {
    return `${word(`method_name.${this.method.value}`)} · ${this.area.selectedOptions[0].textContent.trim()}`;
  }

  /** The question as the API takes it; what is left empty takes its default there. */
  question() {
    const parameters = Object.fromEntries(this.inputs.map(([name, schema, input]) => [name, valueOf(schema, input)]).filter(([, value]) => value !== undefined));
    const doubts = Object.fromEntries(this.doubts.map(([check, { value }]) => [check, value]).filter(([, value]) => value));
    return {
      method: this.method.value,
      area: this.area.value || null,
      unit: this.unit.value,
      from: this.from.value || null,
      to: this.to.value || null,
      category_ids: values(this.categories).map(Number),
      sources: values(this.sources),
      denominator: this.denominator.value,
      doubts,
      small_cell: Number(this.least.value),
      seed: Number(this.seed.value),
      parameters,
    };
  }
}

const values = (input) => [...input.selectedOptions].map(({ value }) => value);

const many = (choices, name) => {
  const made = select(choices, null, { name, multiple: true, size: Math.min(6, Math.max(3, choices.length)) });
  made.classList.add("tree");
  return made;
};

/** Categories under their parents, catalogue by catalogue. */
function grouped(categories) {
  const top = categories.filter(({ parent_id: parent }) => !parent);
  const below = (id) => categories.filter(({ parent_id: parent }) => parent === id);
  return top.flatMap((each) => [[String(each.id), named(each)], ...below(each.id).map((child) => [String(child.id), `　${named(child)}`])]);
}

function tree(areas) {
  const codes = new Set(areas.map(({ code }) => code));
  const below = new Map();
  for (const area of areas) {
    const over = codes.has(area.parent_code) ? area.parent_code : "";
    below.set(over, [...(below.get(over) ?? []), area]);
  }
  const walk = (code, depth) => (below.get(code) ?? []).flatMap((area) => [[area.code, `${"　".repeat(depth)}${named(area)}`], ...walk(area.code, depth + 1)]);
  return walk("", 0);
}

const plainOf = (schema) => schema.anyOf?.find(({ type }) => type !== "null") ?? schema;

function inputOf(name, schema) {
  const plain = plainOf(schema);
  if (plain.enum) return select(plain.enum.map((each) => [each, coded("choice", each)]), schema.default, { name });
  if (plain.type === "boolean") return select([["true", word("report.yes")], ["false", word("report.no")]], String(schema.default), { name });
  if (plain.type === "array") return make("input", { className: "field", name, value: (schema.default ?? []).join(", ") });
  return make("input", {
    type: "number",
    className: "field",
    name,
    value: schema.default ?? "",
    min: plain.minimum ?? plain.exclusiveMinimum ?? undefined,
    max: plain.maximum ?? undefined,
    step: plain.type === "integer" ? 1 : "any",
  });
}

function valueOf(schema, { value }) {
  const plain = plainOf(schema);
  if (value === "") return undefined;
  if (plain.enum) return value;
  if (plain.type === "boolean") return value === "true";
  if (plain.type === "array") return value.split(/[,，;\s]+/).filter(Boolean).map(Number);
  return Number(value);
}
