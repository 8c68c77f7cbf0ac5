/** Reports: what was asked and answered, the form to ask, two to compare, and what is asked by the clock. */

import { Problem, ask, onAnswer, tell } from "./api.js";
import { button, chip, explainWith, explained, failed, field, formDialog, nothing, segments, select } from "./components.js";
import { make, put, skeleton } from "./dom.js";
import { Asking } from "./reports/asking.js";
import * as tools from "./tools.js";
import { age, count, dayTime, keepTime, known, listed, named, percent, span, word } from "./words.js";

const at = (id) => document.querySelector(`#${id}`);
const ORIGINS = ["person", "schedule", "nightly", "watch"];
const AGAIN_MS = 2_000;
const STATES = { done: "good", refused: "watch", failed: "alarm", cancelled: "", asked: "", running: "" };

/** Bring the page to life. */
export async function start({ timeZone }) {
  explainWith(told);
  tools.show(at("tools"), { signedIn: true });
  put(at("list"), skeleton());
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  lostAndFound();
  const list = new List(me);
  const [{ items: areas }, { items: categories }] = await Promise.all([ask("/areas"), ask("/categories")]);
  list.names = { areas: new Map(areas.map((each) => [each.code, each])), categories: new Map(categories.map((each) => [each.id, each])) };
  if (me.permissions.includes("analyses.write")) await form(me, areas, categories, list);
  else at("asking").hidden = true;
  await Promise.all([list.load(), schedules(list)]);
  document.body.dataset.ready = "true";
}

const told = (problem) =>
  problem.status === 0
    ? word("lost")
    : problem.status === 401
      ? word("error.signed_out")
      : problem.facts?.detail && !known(`refusal.${problem.code}`)
        ? problem.facts.detail
        : `${word(`refusal.${problem.code}`)} ${problem.facts?.detail ?? ""}`;

function lostAndFound() {
  onAnswer((outcome) => {
    const text = outcome === true ? null : outcome.status === 0 ? word("lost") : outcome.status === 401 ? word("error.signed_out") : null;
    if (outcome === true || text) put(at("notices"), text && make("div", { className: "notice" }, `▲ ${text}`));
  });
}

async function form(me, areas, categories, list) {
  const [{ items: methods }, { items: sources }] = await Promise.all([ask("/analyses/methods"), ask("/reports/sources")]);
  const asking = new Asking({ methods, areas, categories, sources, now: me.deployment.now });
  const refusal = make("p", { className: "refusal", role: "alert", hidden: true });
  const attempt = (send) => async (event) => {
    event?.preventDefault();
    refusal.hidden = true;
    try {
      await send();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      refusal.textContent = explained(problem);
      refusal.hidden = false;
      refusal.scrollIntoView({ block: "nearest" });
    }
  };
  const send = attempt(async () => {
    const { id } = await tell("/analyses", asking.question());
    location.assign(tools.keeping(`/reports/${id}`));
  });
  put(
    at("asking"),
    make(
      "details",
      { open: matchMedia("(min-width: 901px)").matches },
      make("summary", {}, word("reports.ask")),
      make(
        "form",
        { className: "body stack", onsubmit: send },
        asking.element,
        refusal,
        make(
          "div",
          { className: "row send" },
          make("button", { type: "submit", className: "button primary" }, word("reports.send")),
          button("clock", word("reports.by_clock"), () => byClock(asking, list), { className: "button" }),
        ),
      ),
    ),
  );
}

function byClock(asking, list) {
  const name = make("input", { className: "field", name: "name", required: true, maxLength: 200, value: asking.title() });
  const every = select([["week", word("reports.every_week")], ["month", word("reports.every_month")]], "month", { name: "every" });
  const languages = select([["zh", "中文"], ["en", "English"], ["zh,en", "中文, English"]], "zh", { name: "languages" });
  formDialog(
    word("reports.by_clock"),
    [make("p", {}, word("reports.by_clock_text")), field(word("plans.name"), name), field(word("reports.every"), every), field(word("reports.languages"), languages)],
    word("save"),
    async () => {
      const { from, to, ...question } = asking.question();
      await tell("/schedules", { name: name.value.trim(), question, every: every.value, languages: languages.value.split(",") });
      await schedules(list);
    },
  );
}

class List {
  constructor(me) {
    this.me = me;
    this.items = [];
    this.chosen = [];
    this.origin = new URLSearchParams(location.search).get("origin") ?? "person";
  }

  async load(before) {
    clearTimeout(this.timer);
    try {
      const { items, next } = await ask("/analyses", { origin: this.origin, before });
      this.items = before ? [...this.items, ...items] : items;
      this.next = next;
      this.show();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      put(at("list"), failed(problem, () => this.load()));
    }
    if (this.items.some(({ state }) => state === "asked" || state === "running")) this.timer = setTimeout(() => this.load(), AGAIN_MS);
  }

  show() {
    const compare = make("a", { className: "button", role: "link" }, word("reports.compare"));
    if (this.chosen.length === 2) compare.href = tools.keeping(`/reports/compared?first=${Math.min(...this.chosen)}&second=${Math.max(...this.chosen)}`);
    else compare.setAttribute("aria-disabled", "true");
    put(
      at("controls"),
      segments(word("reports.origin"), ORIGINS.map((each) => [each, word(`reports.from_${each}`)]), this.origin, (origin) => {
        this.origin = origin;
        this.chosen = [];
        const query = new URLSearchParams(location.search);
        query.set("origin", origin);
        history.replaceState(null, "", `?${query}`);
        this.load();
      }),
      make("span", { className: "note" }, word("reports.compare_hint")),
      compare,
    );
    if (!this.items.length) return put(at("list"), nothing("report", word("reports.none"), word(`reports.none_${this.whose()}`)));
    const columns = ["reports.choose", "reports.one", "report.area", "report.asked_period", "report.categories", "report.n", "plans.state"];
    return put(
      at("list"),
      make(
        "table",
        { className: "table reports-table" },
        make("caption", { className: "unseen" }, word("reports.list")),
        make("thead", {}, make("tr", {}, columns.map((key) => make("th", { scope: "col", className: key === "report.n" ? "n" : "" }, word(key))))),
        make("tbody", {}, this.items.map((each) => this.row(each))),
      ),
      this.next && make("div", { className: "more" }, make("button", { type: "button", className: "button", onclick: () => this.load(this.next) }, word("reports.more"))),
    );
  }

  /** Whose reports an empty list waits for: who may not ask is not sent to a form that is not there. */
  whose() {
    const asks = this.me.permissions.includes("analyses.write");
    return asks || !["person", "schedule"].includes(this.origin) ? this.origin : "others";
  }

  row(analysis) {
    const { id, state, question, incidents, progress } = analysis;
    const tick = make("input", {
      type: "checkbox",
      checked: this.chosen.includes(id),
      disabled: state !== "done",
      "aria-label": word("reports.choose_n", { n: id }),
      onchange: ({ target }) => {
        this.chosen = target.checked ? [...this.chosen, id].slice(-2) : this.chosen.filter((each) => each !== id);
        this.show();
      },
    });
    const area = this.names.areas.get(question.area);
    const categories = question.category_ids.map((each) => this.names.categories.get(each)).filter(Boolean);
    return make(
      "tr",
      { "data-analysis": id },
      make("td", {}, tick),
      make("th", { scope: "row" }, make("a", { href: tools.keeping(`/reports/${id}`) }, word(`method_name.${question.method}`)), make("small", { title: dayTime(analysis.asked_at) }, `${id} · ${age(analysis.asked_at)}`)),
      make("td", {}, area ? named(area) : question.area ?? word("plans.any_area")),
      make("td", {}, span(question.from, question.to)),
      make("td", {}, categories.length ? `${listed(categories.slice(0, 2).map(named))}${categories.length > 2 ? " …" : ""}` : word("report.all_categories")),
      make("td", { className: "n", "data-unit": word("report.n") }, count(incidents)),
      make(
        "td",
        {},
        chip(word(`analysis_state.${state}`), STATES[state]),
        state === "running" && make("small", {}, percent(progress, 0)),
        ["asked", "running"].includes(state) && this.me.permissions.includes("analyses.write") && button("close", word("reports.cancel"), () => this.cancel(id)),
      ),
    );
  }

  async cancel(id) {
    await tell(`/analyses/${id}/cancel`, {}).catch((problem) => put(at("notices"), make("div", { className: "notice" }, explained(problem))));
    await this.load();
  }
}

async function schedules(list) {
  const host = at("schedules");
  const found = await ask("/schedules").catch(() => ({ items: [] }));
  host.hidden = !found.items.length;
  const files = (run) =>
    (run?.files ?? []).filter(({ name }) => name.endsWith(".pdf") || name.endsWith(".xlsx")).map(({ name }) => make("a", { href: `/api/v1/schedules/runs/${run.id}/files/${name}`, download: "" }, name));
  const may = list.me.permissions.includes("analyses.write");
  const pause = (each) => tell(`/schedules/${each.id}`, { paused: !each.paused }, "PATCH").then(() => schedules(list));
  put(
    host,
    make("h2", {}, word("reports.schedules")),
    make(
      "ul",
      { className: "schedules" },
      found.items.map((each) =>
        make(
          "li",
          {},
          make("div", {}, make("b", {}, each.name), chip(word(`reports.every_${each.every}`)), each.paused && chip(word("reports.paused"), "watch")),
          make("small", {}, word("reports.next", { when: dayTime(each.next_at) })),
          each.last_run && make("small", {}, `${span(each.last_run.from, each.last_run.to)} `, chip(word(`reports.run_${each.last_run.state}`)), " ", make("a", { href: tools.keeping(`/reports/${each.last_run.analysis_id}`) }, word("reports.one")), files(each.last_run).map((link) => [" · ", link])),
          may && button(each.paused ? "play" : "pause", word(each.paused ? "reports.resume" : "reports.pause"), () => pause(each)),
        ),
      ),
    ),
  );
}
