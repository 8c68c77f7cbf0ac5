/** The one screen: asks for what the state names and hands each panel its part. */

import { ask, onAnswer } from "./api.js";
import { failed, nothing } from "./components.js";
import { make, put, skeleton } from "./dom.js";
import { icon } from "./icons.js";
import * as drill from "./drill.js";
import * as explain from "./explain.js";
import { Fill } from "./fills.js";
import { watch } from "./live.js";
import * as clusters from "./panels/clusters.js";
import * as categories from "./panels/categories.js";
import * as charts from "./panels/charts.js";
import * as detail from "./panels/detail.js";
import { Feed, goTo } from "./panels/feed.js";
import * as kpi from "./panels/kpi.js";
import * as hours from "./panels/hours.js";
import * as legend from "./panels/legend.js";
import * as period from "./panels/period.js";
import * as ranking from "./panels/ranking.js";
import * as rows from "./panels/rows.js";
import * as search from "./panels/search.js";
import * as switches from "./panels/switches.js";
import * as pointer from "./pointer.js";
import { change, onChange, state } from "./state.js";
import * as tools from "./tools.js";
import * as wall from "./wall.js";
import { behind, clock, isoDay, keepTime, now, word } from "./words.js";

const PANELS = { kpi: kpi.show, trend: charts.trend, categories: categories.show, ranking: ranking.show, time: hours.show };
const FEED = 40;
const STALE_MS = 120_000;
const PINS = 6;
const ARCHIVE_MS = 86_400_000;
const at = (id) => document.querySelector(`#${id}`);
const bodyOf = (id) => at(id).querySelector(".body");

/** Bring the page to life on the map that Folium composed. */
export async function start(district, { timeZone }) {
  for (const id of [...Object.keys(PANELS), "feed", "legend"]) put(bodyOf(id), skeleton());
  tools.show(at("tools"), { signedIn: true, full: true });
  sheets();
  notices();
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  district.deployment = { ...me.deployment, root: rootOf(me) };
  tick(at("clock"));
  asOf(me.deployment.now);
  at("tools").prepend(...doors(me.permissions));
  const screen = new Screen(district, me);
  search.show(at("search"), district);
  switches.layers(bodyOf("switches"), me.permissions);
  hours.controls(at("time").querySelector("h2"));
  const periods = period.show(at("time").querySelector("h2"));
  const rowsOf = rows.follow(district, me.permissions);
  explain.follow(at("tip"));
  legend.fold(at("legend"));
  pointer.listen(district, screen.fill, (mark) => screen.openMark(mark));
  document.addEventListener("theme", () => screen.dress());
  onChange((present, before, why) => {
    if (why === "back") switches.layers(bodyOf("switches"), me.permissions);
    if (period.differs(present, before)) periods();
    screen.follow(present, before);
    rowsOf();
  });
  await drill.follow(district, at("breadcrumb"));
  await screen.load();
  rowsOf();
  if (wall.wanted()) await wall.start(district, state());
  if (!me.deployment.district_code) at("one_screen").after(make("div", { className: "card no-ground" }, nothing("vertices", word("ground.none"), word("ground.none_text"))));
  document.addEventListener("alerts", () => alarm(me.permissions));
  await alarm(me.permissions);
  document.body.dataset.ready = "true";
  watch(() => screen.live());
}

/** A scope of one area is that person's whole ground; more than one is the district. */
const rootOf = ({ scope, deployment }) => (scope.length === 1 ? scope[0].code : deployment.district_code);

class Screen {
  constructor(district, me) {
    this.district = district;
    this.permissions = me.permissions;
    this.turn = 0;
    this.feedTurn = 0;
    this.fill = new Fill(() => {
      district.ground.recolour();
      this.drawLegend();
    });
    district.colourOf = this.fill.colourOf;
    this.feed = new Feed(at("feed"), {
      seen: (items) =>
        district.incidents.pins(
          state().layers.includes("incidents")
            ? items
                .filter(({ place }) => place)
                .slice(0, PINS)
                .reverse()
            : [],
        ),
      open: (item) => this.openIncident(item),
    });
    document.addEventListener("hotspots", () => this.drawLegend());
  }

  /** What to ask: the area, the period, the categories. */
  query() {
    const present = state();
    return { area: present.area, grid: present.grid, ...period.asked(present), category: present.category, hours: present.hours };
  }

  /** The newest incidents; of days somebody named, the newest of those. */
  async newest() {
    const { area, grid, category, hours, from, to } = this.query();
    const { items } = await (to
      ? ask("/incidents", { area, grid, category, hours, from, to, limit: FEED })
      : ask("/feed", { area, grid, category, hours, limit: FEED }));
    return items;
  }

  async load() {
    const { district } = this;
    ask("/categories").then(
      ({ items }) => {
        district.categories = new Map(items.map((each) => [each.id, each]));
      },
      () => null,
    );
    const hot = district.hotspots.load().catch(() => this.drawLegend());
    detail.show(at("detail"), district, this.permissions);
    await Promise.all([this.panels(), this.feeds(), this.map(), hot]);
  }

  follow(present, before) {
    const moved = present.area !== before.area || present.grid !== before.grid;
    const filtered = period.differs(present, before) || present.hours !== before.hours || String(present.category) !== String(before.category);
    if (moved || filtered) {
      this.panels();
      this.feeds();
    }
    if (filtered || present.fill !== before.fill) this.map();
    if (present.grid !== before.grid || present.building !== before.building) detail.show(at("detail"), this.district, this.permissions);
    if (String(present.layers) !== String(before.layers)) {
      this.drawLegend();
      this.feed.seen(this.feed.items);
    }
  }

  /** All panels from one question; each shows its own failure with a way to try again. */
  async panels({ quiet = false } = {}) {
    const turn = ++this.turn;
    try {
      const overview = await ask("/overview", this.query());
      const around = await this.district.drill.here();
      if (turn !== this.turn) return;
      for (const [id, show] of Object.entries(PANELS)) await show(bodyOf(id), overview, around, this.query());
    } catch (problem) {
      if (quiet) throw problem;
      if (turn === this.turn) for (const id of Object.keys(PANELS)) failing(bodyOf(id), problem, () => this.panels());
    }
  }

  async feeds() {
    const turn = ++this.feedTurn;
    try {
      const items = await this.newest();
      if (turn === this.feedTurn) this.feed.show(items);
    } catch (problem) {
      failing(bodyOf("feed"), problem, () => this.feeds());
    }
  }

  async map() {
    const { fill } = state();
    const { from, to, category, hours: chosen } = this.query();
    const query = new URLSearchParams([["from", from], ...(to ? [["to", to]] : []), ...category.map((each) => ["category", each]), ...(chosen ? [["hours", chosen]] : [])]);
    this.district.incidents.load(`?${query}`);
    try {
      await this.fill.show(fill, { from, to, category, hours: chosen });
    } catch (problem) {
      this.fill.asked = null;
      failing(bodyOf("legend"), problem, () => this.map());
    }
  }

  /** What changed since: new reports wait in the feed, figures follow. */
  async live() {
    const turn = this.feedTurn;
    const items = await this.newest();
    if (turn !== this.feedTurn) return;
    const newest = this.feed.items[0]?.id;
    this.feed.offer(items);
    if (items[0]?.id !== newest) await this.panels({ quiet: true });
  }

  drawLegend() {
    legend.show(bodyOf("legend"), this.fill, this.district);
  }

  dress() {
    this.fill.paint();
    this.district.ground.recolour();
    this.drawLegend();
    charts.redraw();
  }

  async openIncident(item) {
    goTo(this.district, item);
    if (!item.grid) detail.incidentCard(at("detail"), item);
  }

  /** A mark on the map was chosen; false lets the click go to the ground. */
  openMark({ kind, data }) {
    if (kind === "feed") this.openIncident(data);
    else if (kind === "incident")
      ask(`/incidents/${data.id}`).then(
        (incident) => detail.incidentCard(at("detail"), incident),
        () => null,
      );
    else if (kind === "officer" && data.grids?.length) return false;
    else return false;
    return true;
  }
}

/** A panel's own failure, with its own way to ask again. */
const failing = (body, problem, again) => put(body, failed(problem, () => (put(body, skeleton()), again())));

function tick(element) {
  const draw = () => {
    const at = now();
    put(
      element,
      clock(at, { month: "long", day: "numeric", weekday: "short" }),
      make("b", {}, clock(at, { hour: "2-digit", minute: "2-digit" })),
    );
    element.dateTime = new Date(at).toISOString();
  };
  draw();
  setInterval(draw, 5_000);
}

/** An archive says of which day it is; its "today" is that day. */
function asOf(then) {
  if (behind() < ARCHIVE_MS) return;
  const chip = make("span", { className: "chip watch as-of", id: "as_of", title: word("archive.hint") }, word("archive.as_of", { date: isoDay(new Date(then).getTime() - 1) }));
  at("clock").before(chip);
}

/** The ways to the other pages that the caller may see. */
function doors(permissions) {
  const door = (path, text, name) => make("a", { className: "tool door", href: tools.keeping(path), "aria-label": text }, icon(name), make("span", {}, text));
  return [
    permissions.includes("statistics") && door("/reports", word("reports_link"), "report"),
    permissions.includes("plans") && door("/plans", word("plans_link"), "vertices"),
  ].filter(Boolean);
}

/** Alerts that wait, beside the clock; nothing where none does. */
async function alarm(permissions) {
  const open = await clusters.waiting(permissions).catch(() => null);
  at("alerts")?.remove();
  if (!open?.length) return;
  const text = word("alerts.count", { n: open.length });
  const show = () => change({ rows: "alerts" }, { step: true });
  at("clock").before(
    make("button", { type: "button", id: "alerts", className: "chip alarm", title: text, "aria-label": text, onclick: show }, icon("bell"), String(open.length)),
  );
}

/** Stale after two minutes without an answer; sign in again when the session has ended. */
function notices() {
  const box = at("notices");
  let last = Date.now();
  let shown = null;
  const tell = (kind, ...content) => {
    if (shown === kind) return;
    shown = kind;
    put(box, kind && make("div", { className: "notice" }, ...content));
    document.body.classList.toggle("stale", Boolean(kind));
  };
  onAnswer((outcome) => {
    if (outcome === true || (outcome.status > 0 && outcome.status < 500 && outcome.status !== 401)) {
      last = Date.now();
      tell(null);
    } else if (outcome.status === 401) {
      tell(
        "out",
        word("error.signed_out"),
        make(
          "a",
          { className: "button small primary", href: `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}` },
          word("sign_in.submit"),
        ),
      );
    } else if (outcome.status === 0) tell("lost", `▲ ${word("lost")}`);
  });
  setInterval(() => Date.now() - last > STALE_MS && shown === null && tell("stale", `▲ ${word("stale")}`), 10_000);
}

/** On a phone the legend and the layers are sheets behind two buttons on the map. */
function sheets() {
  const made = ["switches", "legend"].map((id) => {
    const sheet = at(id);
    const button = make(
      "button",
      { type: "button", className: "button", "aria-expanded": "false", "aria-controls": id },
      icon(id === "legend" ? "key" : "layers"),
      word(id === "legend" ? "legend.title" : "layers.title"),
    );
    const turn = (open) => {
      sheet.classList.toggle("open", open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      turn(!sheet.classList.contains("open"));
    });
    sheet.addEventListener("click", (event) => event.stopPropagation());
    document.addEventListener("click", () => turn(false));
    document.addEventListener("keydown", (event) => event.key === "Escape" && turn(false), true);
    return button;
  });
  const row = make("div", { className: "sheet-buttons" }, made);
  at("one_screen").append(row);
  const find = make(
    "button",
    {
      type: "button",
      className: "tool find",
      "aria-label": word("search.label"),
      onclick: () => {
        at("search").classList.toggle("open");
        at("search").querySelector("input")?.focus();
      },
    },
    icon("search"),
  );
  at("tools").prepend(find);
}
