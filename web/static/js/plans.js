/** The list of plans: what is drafted, decided and in force, and the way to a new one. */

import { Problem, ask, onAnswer, tell } from "./api.js";
import { make, put, skeleton } from "./dom.js";
import { button, explainWith, field, formDialog, select } from "./components.js";
import { icon } from "./icons.js";
import { stateChip } from "./editor/header.js";
import { told } from "./editor/refusals.js";
import { copyOf, withdrawn } from "./editor/steps.js";
import * as tools from "./tools.js";
import { age, count, date, keepTime, named, word } from "./words.js";

const at = (id) => document.querySelector(`#${id}`);
const STATES = ["draft", "submitted", "approved", "publishing", "published", "withdrawn"];
const ALL = "all";
const OPEN = "open";

/** Bring the page to life. */
export async function start({ timeZone }) {
  explainWith(told);
  tools.show(at("tools"), { signedIn: true });
  put(at("list"), skeleton());
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  const list = new List(me);
  lostAndFound();
  await list.load();
  document.body.dataset.ready = "true";
}

function lostAndFound() {
  onAnswer((outcome) => {
    const text = outcome === true ? null : outcome.status === 0 ? word("lost") : outcome.status === 401 ? word("error.signed_out") : null;
    if (outcome === true || text) put(at("notices"), text && make("div", { className: "notice" }, `▲ ${text}`));
  });
}

class List {
  constructor(me) {
    this.me = me;
    this.items = [];
    const query = new URLSearchParams(location.search);
    this.area = query.get("area") ?? "";
    this.state = query.get("state") ?? OPEN;
    this.text = "";
  }

  async load() {
    try {
      const [{ items }, { items: areas }] = await Promise.all([ask("/plans", { area: this.area }), this.areas ? { items: this.areas } : ask("/areas")]);
      this.items = items;
      this.areas = areas;
      this.controls();
      this.show();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      put(at("list"), make("div", { className: "failed" }, make("p", {}, `▲ ${told(problem)}`), button("redo", word("retry"), () => this.load())));
    }
  }

  /** The address says what is shown. */
  remember() {
    const query = new URLSearchParams(location.search);
    for (const [key, value, usual] of [
      ["area", this.area, ""],
      ["state", this.state, OPEN],
    ])
      if (value === usual) query.delete(key);
      else query.set(key, value);
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  }

  controls() {
    const states = select([[OPEN, word("plans.open")], [ALL, word("plans.every")], ...STATES.map((each) => [each, word(`plan_state.${each}`)])], this.state, {
      onchange: (event) => {
        this.state = event.target.value;
        this.remember();
        this.show();
      },
    });
    const areas = select([["", word("plans.any_area")], ...tree(this.areas).map(({ code, text }) => [code, text])], this.area, {
      onchange: (event) => {
        this.area = event.target.value;
        this.remember();
        this.load();
      },
    });
    const find = make("input", {
      type: "search",
      className: "field",
      value: this.text,
      oninput: (event) => {
        this.text = event.target.value.trim().toLowerCase();
        this.show();
      },
    });
    put(
      at("controls"),
      field(word("plans.state"), states),
      field(word("plans.area"), areas),
      field(word("plans.find"), find),
      this.me.permissions.includes("plans.write") && button("new", word("plans.new"), () => create(this), { className: "button primary" }),
    );
  }

  visible() {
    return this.items
      .filter(({ state }) => this.state === ALL || (this.state === OPEN ? state !== "withdrawn" && state !== "published" : state === this.state))
      .filter(({ name, area, made_by: by }) => !this.text || [name, area.name, area.name_en, by?.name].join(" ").toLowerCase().includes(this.text));
  }

  show() {
    const items = this.visible();
    if (!items.length) return put(at("list"), this.none());
    const columns = ["plans.name", "plans.state", "plans.area", "plans.scheme", "plans.figures", "plans.who", "plans.acts"];
    put(
      at("list"),
      make(
        "table",
        { className: "plans-table" },
        make("caption", { className: "unseen" }, word("plans.list")),
        make("thead", {}, make("tr", {}, columns.map((key) => make("th", { scope: "col" }, word(key))))),
        make("tbody", {}, items.map((plan) => this.row(plan))),
      ),
    );
  }

  none() {
    const first = this.items.length === 0 && !this.area;
    return make(
      "div",
      { className: "empty large" },
      icon("vertices"),
      make("h2", {}, word(first ? "plans.none" : "plans.none_match")),
      make("p", {}, word(first ? "plans.none_text" : "plans.none_match_text")),
      first && this.me.permissions.includes("plans.write") && button("new", word("plans.new"), () => create(this), { className: "button primary" }),
    );
  }

  row(plan) {
    const { counts = {} } = plan;
    const again = () => this.load();
    return make(
      "tr",
      { "data-plan": plan.id },
      make("th", { scope: "row" }, make("a", { href: tools.keeping(`/plans/${plan.id}`) }, plan.name), plan.note && make("small", {}, plan.note)),
      make("td", {}, stateChip(plan)),
      make("td", {}, named(plan.area)),
      make("td", {}, plan.scheme ? named(plan.scheme) : "–"),
      make(
        "td",
        { className: "number" },
        make("b", {}, word("plans.grids", { n: count(counts.grids) })),
        make("small", {}, word("plans.changes", { changed: count(counts.changed), made: count(counts.new), ended: count(counts.ended) })),
      ),
      make("td", {}, plan.made_by?.name ?? "–", make("small", { title: date(plan.made_at) }, age(plan.made_at))),
      make(
        "td",
        {},
        make(
          "div",
          { className: "row" },
          make("a", { className: "button small", href: tools.keeping(`/plans/${plan.id}`) }, word("plans.open_one")),
          this.me.permissions.includes("plans.write") && button("file", word("plans.copy"), () => copyOf(plan)),
          plan.may.includes("withdraw") && button("close", word("plans.withdraw"), () => withdrawn(plan, again)),
        ),
      ),
    );
  }
}

/** Areas as one list in the order of the tree, deeper ones set in. */
function tree(areas) {
  const below = new Map();
  const known = new Set(areas.map(({ code }) => code));
  for (const area of areas) {
    const over = known.has(area.parent_code) ? area.parent_code : "";
    below.set(over, [...(below.get(over) ?? []), area]);
  }
  const walk = (code, depth) =>
    (below.get(code) ?? []).flatMap((area) => [{ ...area, depth, text: `${"　".repeat(depth)}${named(area)}` }, ...walk(area.code, depth + 1)]);
  return walk("", 0);
}

/** A name, an area found by typing or in the tree, and the band of households. */
function create(list) {
  const areas = tree(list.areas);
  const scheme = list.me.deployment.scheme;
  const name = make("input", { className: "field", name: "name", required: true, maxLength: 200 });
  const note = make("textarea", { className: "field", name: "note", rows: 2, maxLength: 4000 });
  const number = (key, value) => make("input", { className: "field", type: "number", name: key, min: 0, max: 1_000_000, value: value ?? "", inputMode: "numeric" });
  const [low, high] = [number("low", scheme?.household_min), number("high", scheme?.household_max)];
  const picker = areaPicker(areas, list.area, ({ text }) => {
    if (!name.value || name.dataset.own !== "true") name.value = word("plans.new_name", { area: text.trim() });
  });
  name.addEventListener("input", () => (name.dataset.own = "true"));
  formDialog(
    word("plans.new"),
    [
      picker.element,
      field(word("plans.name"), name),
      field(word("plans.scheme"), select([[scheme?.code ?? "", scheme ? named(scheme) : word("plans.scheme_usual")]], scheme?.code ?? "", { name: "scheme" })),
      make("div", { className: "two" }, field(word("plans.low"), low), field(word("plans.high"), high)),
      field(word("plans.note"), note),
    ],
    word("plans.create"),
    async () => {
      const whole = (input) => (input.value === "" ? null : Number(input.value));
      const made = await tell("/plans", {
        name: name.value.trim(),
        area: picker.code(),
        scheme: scheme?.code ?? null,
        note: note.value.trim(),
        household_min: whole(low),
        household_max: whole(high),
      });
      location.assign(tools.keeping(`/plans/${made.id}`));
    },
  );
}

const SHOWN = 200;

/** A box to type in above the tree of areas; both lead to one choice. */
function areaPicker(areas, chosen, picked) {
  const list = make("select", { className: "field tree", name: "area", size: 7, required: true });
  const fill = (text) => {
    const found = areas.filter(({ name, name_en: en, code }) => !text || `${name} ${en} ${code}`.toLowerCase().includes(text)).slice(0, SHOWN);
    put(
      list,
      found.map((area) => make("option", { value: area.code, selected: area.code === chosen }, `${area.text} · ${word(`level.${area.level}`)}`)),
    );
    if (text && found.length) choose(found[0].code);
  };
  const choose = (code) => {
    list.value = code;
    const area = areas.find((each) => each.code === code);
    if (area) picked(area);
  };
  const find = make("input", {
    type: "search",
    className: "field",
    autocomplete: "off",
    autofocus: true,
    placeholder: word("plans.find_area"),
    "aria-label": word("plans.find_area"),
    oninput: () => fill(find.value.trim().toLowerCase()),
  });
  list.addEventListener("change", () => choose(list.value));
  fill("");
  return { element: make("div", { className: "stack" }, find, field(word("plans.area"), list)), code: () => list.value };
}
