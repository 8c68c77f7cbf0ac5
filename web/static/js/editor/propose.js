/** Ask for balanced grids: bounds, wishes and alternatives; progress while they are worked out; figures to choose by. */

import { ask, tell } from "../api.js";
import { draw, make, put } from "../dom.js";
import { count, decimal, named, percent, word } from "../words.js";
import { classOf } from "./figures.js";
import { STEP, mercator } from "./lattice.js";
import { button, dialog, explained, field, select } from "../components.js";

const LOOK_MS = 700;
const ENDED = ["done", "failed", "cancelled"];
// A slider's step, from no wish to the strongest.
const ROADS = [1, 0.5, 0.3, 0.15, 0.05];
const KEEPS = [0, 0.2, 1, 5, 20];
const COMPACTS = [0, 0.5, 1, 2, 4];

/** Open the dialog. */
export function propose(editor) {
  const { plan } = editor.draft;
  const here = editor.community();
  const number = (name, value, min = 1) => make("input", { className: "field", type: "number", name, min, value, required: true, inputMode: "numeric" });
  const slider = (name, value) => make("input", { type: "range", name, min: 0, max: 4, step: 1, value });
  const scope = select([...(here ? [[here.code, named(here)]] : []), ["", word("propose.all")]], here?.code ?? "", { name: "scope" });
  const weight = select(["households", "residents", "year_incidents"].map((each) => [each, word(`weight.${each}`)]), "households", { name: "weight" });
  const own = make("input", { type: "checkbox", name: "dedicated", id: "dedicated", checked: true });
  const form = make(
    "form",
    { className: "stack" },
    make(
      "div",
      { className: "two" },
      field(word("propose.scope"), scope),
      field(word("propose.weight"), weight),
      field(word("propose.min"), number("min", plan.household_min, 0)),
      field(word("propose.max"), number("max", plan.household_max)),
      field(word("propose.alternatives"), number("alternatives", 3)),
      field(word("propose.seed"), number("seed", 1, 0)),
    ),
    wish("propose.road", slider("road", 3)),
    wish("propose.compact", slider("compact", 2)),
    wish("propose.keep", slider("keep", 1)),
    dedicated(editor).length > 0 && make("p", { className: "check" }, own, make("label", { htmlFor: own.id }, word("propose.dedicated", { n: dedicated(editor).length }))),
  );
  form.elements.alternatives.max = 8;
  const outcome = make("div", { className: "outcome", "aria-live": "polite" });
  const go = button("propose", word("propose.go"), () => form.requestSubmit(), { className: "button primary" });
  const work = new Work(editor, outcome, go);
  const box = dialog(word("tool.propose"), [make("p", { className: "sub" }, word("propose.text")), form, outcome], [go], { wide: true, onclose: () => work.leave() });
  work.box = box;
  if (editor.asked) again(form, editor.asked.given, () => work.show(editor.asked.found));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.reportValidity()) work.ask(question(form.elements, editor), given(form));
  });
}

/** What was asked last time, with what was found: a look at the map need not cost it. */
function again(form, values, show) {
  for (const { name, type } of form.elements) {
    if (type === "checkbox") form.elements[name].checked = values[name];
    else if (name) form.elements[name].value = values[name];
  }
  show();
}

const given = (form) => Object.fromEntries([...form.elements].filter(({ name }) => name).map(({ name, type, value, checked }) => [name, type === "checkbox" ? checked : value]));

/** Grids for one place alone, a market or a school: they are drawn on purpose and need no balance. */
const dedicated = ({ draft }) => [...draft.ground.grids.values()].filter(({ facts }) => facts.kind === "dedicated").map(({ id }) => id);

const wish = (key, input) =>
  make("div", { className: "wish" }, field(word(key), input), make("div", { className: "ends" }, make("small", {}, word("propose.weak")), make("small", {}, word("propose.strong"))));

function question({ scope, weight, min, max, alternatives, seed, road, compact, keep, dedicated: spared }, editor) {
  const locked = [...editor.draft.ground.grids.values()].filter(({ facts }) => facts.locked).map(({ id }) => id);
  return {
    communities: scope.value ? [scope.value] : null,
    weight: weight.value,
    min: Number(min.value),
    max: Number(max.value),
    alternatives: Number(alternatives.value),
    seed: Number(seed.value),
    mu: KEEPS[keep.value],
    road: ROADS[road.value],
    compact: COMPACTS[compact.value],
    locked_grids: locked,
    spare_dedicated: spared?.checked ?? true,
  };
}

/** One question at a time: asked, looked after, shown or given up. */
class Work {
  constructor(editor, outcome, go) {
    this.editor = editor;
    this.outcome = outcome;
    this.go = go;
    this.id = null;
    this.open = true;
  }

  path(rest = "") {
    return this.editor.draft.path(`/proposals/${this.id}${rest}`);
  }

  async ask(asked, given) {
    this.go.disabled = true;
    try {
      this.id = (await tell(this.editor.draft.path("/proposals"), asked)).id;
      const found = await this.wait();
      if (!found) return;
      if (found.state === "done") this.editor.asked = { id: this.id, count: found.alternatives?.length ?? 0, given, found };
      this.show(found);
    } catch (problem) {
      if (!problem.facts) throw problem;
      put(this.outcome, make("p", { className: "refusal" }, explained(problem)));
    } finally {
      this.go.disabled = false;
    }
  }

  async wait() {
    const bar = make("progress", { max: 1, value: 0, "aria-label": word("propose.running") });
    put(this.outcome, make("div", { className: "row" }, bar, button("close", word("propose.cancel"), () => tell(this.path("/cancel"), {}).catch(() => null))));
    while (this.open) {
      const now = await ask(this.path());
      bar.value = now.progress ?? 0;
      if (ENDED.includes(now.state)) return now;
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
    return null;
  }

  /** Given up with the dialog. */
  leave() {
    this.open = false;
  }

  show(found) {
    if (found.state !== "done")
      return put(this.outcome, make("p", { className: "refusal" }, word(`propose.${found.state}`), found.failure ? ` ${explained(found.failure)}` : ""));
    const { alternatives = [], impossible = [] } = found;
    put(
      this.outcome,
      impossible.length > 0 &&
        make(
          "ul",
          { className: "warnings" },
          impossible.map((each) => make("li", {}, `▲ ${word("propose.impossible", { name: this.nameOf(each.community), n: count(each.households), nearest: nearest(each.nearest) })}`)),
        ),
      alternatives.length < found.question.alternatives && make("p", { className: "sub" }, word("propose.same", { n: found.question.alternatives - alternatives.length })),
      make("ol", { className: "alternatives" }, alternatives.map((each, i) => make("li", {}, this.one(each, i)))),
    );
  }

  nameOf(community) {
    const { draft } = this.editor;
    const found = typeof community === "object" ? community : (draft.communities.get(community) ?? draft.community(community));
    return found ? named(found) : String(community);
  }

  one({ figures = {}, grids = [], origin }, number) {
    const apply = () => {
      this.box.close();
      this.editor.offer({ kind: "proposal", proposal: this.editor.asked.id, alternative: number });
    };
    const share = (value, digits = 0) => (value == null ? null : percent(value, digits));
    const facts = [
      ["plan.grids", count(figures.grids ?? grids.length)],
      ["figure.in_band", share(figures.in_range)],
      ["figure.compactness", figures.polsby_popper == null ? null : decimal(figures.polsby_popper, 2)],
      ["figure.on_roads", share(figures.on_roads)],
      ["figure.moves", figures.moved == null ? null : count(figures.moved)],
    ].filter(([, value]) => value !== null);
    return [
      make("h3", {}, word("propose.alternative", { n: number + 1 })),
      sketch(grids, origin, this.editor.draft.plan),
      make("dl", { className: "facts" }, facts.map(([key, value]) => make("div", {}, make("dt", {}, word(key)), make("dd", {}, value)))),
      button("eye", word("pending.preview"), apply, { className: "button primary" }),
    ];
  }
}

const SIDE = 100;

/** The grids of an alternative, small, each in the colour of its households. */
function sketch(grids, origin, plan) {
  const shapes = grids.flatMap(({ polygons, households }) => polygons.map((rings) => ({ rank: classOf(households, plan), rings: rings.map((flat) => outline(flat, origin)) })));
  const all = shapes.flatMap(({ rings }) => rings.flat());
  if (!all.length) return null;
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const scale = SIDE / Math.max(Math.max(...xs) - left, Math.max(...ys) - top);
  const d = (ring) => `M${ring.map(([x, y]) => `${((x - left) * scale).toFixed(1)} ${((y - top) * scale).toFixed(1)}`).join("L")}Z`;
  const box = `-1 -1 ${((Math.max(...xs) - left) * scale + 2).toFixed(0)} ${((Math.max(...ys) - top) * scale + 2).toFixed(0)}`;
  return draw(
    "svg",
    { viewBox: box, class: "sketch", "aria-hidden": "true" },
    ...shapes.map(({ rank, rings }) => draw("path", { d: rings.map(d).join(""), class: `c${rank + 2}`, "fill-rule": "evenodd" })),
  );
}

/** A ring of the wire as places of the Mercator square. */
function outline(flat, [x0, y0]) {
  let [x, y] = [x0, y0];
  return Array.from({ length: flat.length / 2 }, (_, i) => {
    x += flat[2 * i];
    y += flat[2 * i + 1];
    return mercator([x * STEP, y * STEP]);
  });
}

/** The nearest range that could be met, however it is told. */
function nearest(value) {
  if (value == null) return "–";
  if (Array.isArray(value)) return value.map(count).join("–");
  return typeof value === "object" ? Object.values(value).map(count).join("–") : count(value);
}
