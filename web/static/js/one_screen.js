/** The one screen: asks for what the state names and hands each panel its part. */

import { ask } from "./api.js";
import { failed, nothing } from "./components.js";
import { make, put, skeleton } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./notices.js";
import * as drill from "./drill.js";
import * as explain from "./explain.js";
import { Fill, METRICS } from "./fills.js";
import { follow } from "./live.js";
import * as categories from "./panels/categories.js";
import * as charts from "./panels/charts.js";
import * as detail from "./panels/detail.js";
import { Feed, KEPT, goTo } from "./panels/feed.js";
import * as kpi from "./panels/kpi.js";
import * as hours from "./panels/hours.js";
import * as household from "./panels/household.js";
import * as legend from "./panels/legend.js";
import * as period from "./panels/period.js";
import * as ranking from "./panels/ranking.js";
import * as rows from "./panels/rows.js";
import * as search from "./panels/search.js";
import * as switches from "./panels/switches.js";
import * as pointer from "./pointer.js";
import { signs } from "./signs.js";
import { change, onChange, state } from "./state.js";
import { Together } from "./together.js";
import * as tools from "./tools.js";
import * as wall from "./wall.js";
import { clock, isoDay, keepTime, now, word } from "./words.js";

const PANELS = { kpi: kpi.show, trend: charts.trend, categories: categories.show, ranking: ranking.show, time: hours.show };
const PINS = 6;
const CARD = ["incident", "building", "grid"];
const LATE_MS = 500; // what takes longer than that is told to be on its way
const AGAIN_MS = 3_000;
const AGAIN_AT_MOST_MS = 30_000;
const MINUTE_MS = 60_000;
const at = (id) => document.querySelector(`#${id}`);
const bodyOf = (id) => at(id).querySelector(".body");

/** Bring the page to life on the map that Folium composed. */
export async function start(district, { timeZone }) {
  wall.dress();
  tools.show(at("tools"), { signedIn: true, full: true });
  sheets();
  const sign = signs(at("clock"));
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  district.deployment = { ...me.deployment, root: rootOf(me) };
  tick(at("clock"));
  if (me.deployment.archive) asOf(me.deployment.now);
  at("tools").prepend(...doors(me.permissions));
  if (!Object.hasOwn(METRICS, state().fill)) change({ fill: "rate" });
  const screen = new Screen(district, me);
  search.show(at("search"), district);
  switches.layers(bodyOf("switches"), me.permissions);
  hours.controls(at("time").querySelector("h2"), () => !screen.asking);
  const periods = period.show(at("time").querySelector("h2"));
  const rowsOf = rows.follow(district, me.permissions);
  explain.follow(at("tip"));
  legend.fold(at("legend"));
  pointer.listen(district, screen.fill, (mark) => screen.openMark(mark));
  document.addEventListener("theme", () => screen.dress());
  onChange((present, before, why) => {
    if (why === "back") switches.layers(bodyOf("switches"), me.permissions);
    if (period.differs(present, before)) periods();
    screen.follow(present, before, why);
    rowsOf();
  });
  await meet(district);
  await drill.follow(district, at("breadcrumb"));
  await screen.load();
  rowsOf();
  if (wall.wanted()) await wall.start(district, state());
  if (!me.deployment.bounds) at("one_screen").after(make("div", { className: "card no-ground" }, nothing("vertices", word("ground.none"), word("ground.none_text"))));
  document.body.dataset.ready = "true";
  const together = screen.together();
  const renew = async () => (await same(me)) && together.renew();
  follow(me.person_id, { after: screen.number, changed: (changes) => together.changed(changes), renew, sign });
  if (!me.deployment.archive) timed(together);
}

/** Deadlines pass and days begin though nobody changes anything: figures and card are asked for each minute while the page is seen and live. */
function timed(together) {
  setInterval(() => document.hidden || at("live").dataset.state !== "live" || together.changed([{ layer: "time" }]), MINUTE_MS);
}

/** Whether the page is still that of whoever opened it; where another person signed in, or may do other things now, it is made anew. */
async function same({ person_id: person, permissions }) {
  const now = await ask("/me", {}, { background: true }).catch(() => null);
  const other = now && (now.person_id !== person || String(now.permissions) !== String(permissions));
  if (other) location.reload();
  return !other;
}

/** An address that names an incident and no place leads to where it happened. */
async function meet(district) {
  const { incident, area, grid, at: place } = state();
  if (!incident || area || grid || place) return;
  const found = await ask(`/incidents/${encodeURIComponent(incident)}`).catch(() => null); // its card says what is wrong
  if (found) goTo(district, found, { step: false });
}

/** A scope of one area is that person's whole ground; more than one is the district. */
const rootOf = ({ scope, deployment }) => (scope.length === 1 ? scope[0].code : deployment.district_code);

class Screen {
  constructor(district, me) {
    this.district = district;
    this.permissions = me.permissions;
    this.turn = 0; // of all pictures that were asked for
    this.newest = 0; // turn of the picture that is shown
    this.question = 0; // of what somebody chose
    this.number = 0;
    this.shown = "";
    this.failures = 0;
    this.asking = 0;
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
      open: (item) => goTo(district, item),
    });
    document.addEventListener("hotspots", () => this.drawLegend());
  }

  /** What to ask: the area, the period, the categories. */
  query() {
    const present = state();
    return { area: present.area, grid: present.grid, ...period.asked(present), category: present.category, hours: present.hours };
  }

  async load() {
    const { district } = this;
    const named = ask("/categories").then(
      ({ items }) => {
        district.categories = new Map(items.map((each) => [each.id, each]));
        district.incidents.redraw(); // tiles may have come before their symbols
      },
      () => null,
    );
    // Who may see no statistics is not told where it is hot, and does not ask.
    const hot = this.permissions.includes("statistics") ? district.hotspots.load() : null;
    detail.show(at("detail"), district, this.permissions);
    await Promise.all([this.panels(), hot, named]);
  }

  follow(present, before, why) {
    const moved = present.area !== before.area || present.grid !== before.grid;
    const filtered = period.differs(present, before) || present.hours !== before.hours || String(present.category) !== String(before.category);
    const ranked = why === "back" && present.ranked !== before.ranked;
    if (moved || filtered || ranked) this.panels();
    else if (present.fill !== before.fill) this.refill();
    if (CARD.some((each) => present[each] !== before[each])) detail.show(at("detail"), this.district, this.permissions);
    else if (filtered) detail.refilter(at("detail"), this.permissions);
    if (present.household !== before.household) household.follow(at("detail"));
    if (String(present.layers) !== String(before.layers)) {
      this.drawLegend();
      this.feed.seen(this.feed.items);
    }
  }

  /** All panels, the feed and the fill, anew; each shows the failure with a way to try again. */
  async panels() {
    const question = ++this.question;
    const turn = this.turn + 1;
    if (this.permissions.includes("incidents")) this.district.incidents.load(this.tileQuery());
    this.asking += 1;
    const late = setTimeout(() => busy(true), LATE_MS);
    try {
      await (await this.picture())?.();
    } catch (problem) {
      if (question !== this.question || this.newest > turn || (problem.status === 422 && this.unfilter())) return;
      this.shown = ""; // the feed holds none of its rows any more
      for (const id of [...Object.keys(PANELS), "feed", "legend"]) failing(bodyOf(id), problem, () => this.panels());
      if (problem.status === 0 || problem.status >= 500) this.again(question);
    } finally {
      clearTimeout(late);
      this.asking -= 1;
      if (!this.asking) busy(false);
    }
  }

  /** What did not arrive is asked for again by itself, less and less often, until it came with a change or something else is asked. */
  again(question) {
    const wait = Math.min(AGAIN_AT_MOST_MS, AGAIN_MS * 2 ** this.failures++);
    setTimeout(() => this.failures && question === this.question && this.panels(), wait);
  }

  /** Leave out what an address asks for and nobody can answer, such as a category that is no more; false where nothing is chosen. */
  unfilter() {
    const { category, hours, from } = state();
    if (!category.length && !hours && !from) return false;
    say(word("error.filter"));
    change({ category: [], hours: "", from: "", to: "" });
    return true;
  }

  /** What panels, feed and fill show, all of one moment; returns what shows it, or nothing where something else is asked by now. */
  async picture({ background = false } = {}) {
    const turn = ++this.turn;
    const { fill } = state();
    const query = this.query();
    const asked = { ...query, fill: fill === "none" ? "" : fill, feed: KEPT, dated: query.to ? true : "" };
    const { number, overview, feed, fill: filled, alerts } = await ask("/picture", asked, { background });
    const around = await this.district.drill.here();
    if (turn !== this.turn) return null;
    const key = JSON.stringify(query);
    return () => {
      this.number = number;
      this.newest = turn;
      this.failures = 0;
      alarm(alerts);
      if (fill === state().fill) this.fill.take(fill, ground(query), filled);
      if (feed && this.shown === key) this.feed.offer(feed.items);
      else if (feed) this.feed.show(feed.items);
      this.shown = key;
      if (!feed) withheld("feed");
      if (!overview) Object.keys(PANELS).forEach(withheld);
      return Promise.all(overview ? Object.entries(PANELS).map(([id, show]) => show(bodyOf(id), overview, around, query)) : []);
    };
  }

  /** Another measure on the same grids. */
  async refill() {
    try {
      await this.fill.show(state().fill, ground(this.query()));
    } catch (problem) {
      this.fill.asked = null;
      failing(bodyOf("legend"), problem, () => this.refill());
    }
  }

  tileQuery() {
    const asked = Object.entries(ground(this.query())).flatMap(([key, value]) => [value].flat().map((each) => [key, each]));
    return `?${new URLSearchParams(asked.filter(([, value]) => value))}`;
  }

  /** What follows the changes that others make: everything a change touches is asked for, then shown at once. */
  together() {
    const { district } = this;
    const together = new Together();
    together.join(["incident", "grid", "area", "building", "officer", "alert", "time"], () => this.picture({ background: true }));
    together.join(["incident"], ({ touched }) => district.incidents.renew(touched(["incident"])));
    together.join(["grid", "area", "building"], ({ touched }) => district.ground.renew(touched(["grid", "area", "building"])));
    together.join(["hotspot"], () => district.hotspots.renew());
    together.join(["incident", "grid", "building", "officer", "time"], (news) => detail.renew(at("detail"), this.permissions, news));
    // Whoever acts sees it at once; the stream tells the map and everybody else.
    document.addEventListener("acted", () => together.changed([{ layer: "incident" }]));
    document.addEventListener("alerts", () => together.changed([{ layer: "alert" }]));
    return together;
  }

  drawLegend() {
    legend.show(bodyOf("legend"), this.fill, this.district, this.permissions);
  }

  dress() {
    this.fill.paint();
    this.district.ground.recolour();
    this.drawLegend();
    charts.redraw();
  }

  /** A mark on the map was chosen; false lets the click go to the ground. */
  openMark({ kind, data }) {
    if (kind === "feed") goTo(this.district, data);
    else if (kind === "incident") change({ incident: String(data.id) }, { step: true });
    else return false;
    return true;
  }
}

/** Of a question, what the map is asked too: it shows the whole ground whatever area is chosen. */
const ground = ({ from, to, category, hours: chosen }) => ({ from, to, category, hours: chosen });

/** What the panels show is of the question before; the next answer is on its way. */
function busy(yes) {
  for (const id of [...Object.keys(PANELS), "feed"]) at(id).toggleAttribute("data-busy", yes);
}

/** A panel's own failure, with its own way to ask again. */
const failing = (body, problem, again) => put(body, failed(problem, () => (put(body, skeleton()), again())));

/** A panel of what one's role may not see says so. */
const withheld = (id) => put(bodyOf(id), make("p", { className: "empty" }, word("error.not_permitted")));

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

/** How many alerts wait, beside the clock; nothing where none does. */
function alarm(open) {
  at("alerts")?.remove();
  if (!open) return;
  const text = word("alerts.count", { n: open });
  const show = () => change({ rows: "alerts" }, { step: true });
  at("clock").before(
    make("button", { type: "button", id: "alerts", className: "chip alarm", title: text, "aria-label": text, onclick: show }, icon("bell"), String(open)),
  );
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
