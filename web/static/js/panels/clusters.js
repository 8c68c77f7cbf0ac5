/** A card for each hot spot of the map and each alert of the watch: where, how much more than expected, how sure, and its report. */

import { ask, tell } from "../api.js";
import { button, chip, drawer, failed, field, formDialog, nothing } from "../components.js";
import { make, put, skeleton } from "../dom.js";
import { icon } from "../icons.js";
import { state } from "../state.js";
import { keeping } from "../tools.js";
import { unmade as why } from "./legend.js";
import { count, date, decimal, listed, named, percent, span, word } from "../words.js";

const NEAR_M = 200;
const METRE_DEG = 1 / 111_320;
const CATEGORIES = 3;

/** The drawer of the hot spots of the newest map. */
export const hotspots = (district) =>
  filled(word("hot.cards"), async (box) => {
    const { run } = district.hotspots;
    if (!run) return unmade(district);
    const { result } = await ask(`/analyses/${run.id}`);
    const clusters = (result?.clusters ?? []).filter(({ kind }) => kind !== "cold");
    if (!clusters.length) return nothing("good", word("hot.none"), word("hot.none_text"));
    const about = [span(run.period_from, new Date(run.period_to).getTime() - 1), word("legend.run_n", { n: count(run.incidents), grids: count(run.grids) })];
    return [make("p", { className: "note" }, about.join(" · ")), clusters.map((each) => card(district, box, each, { analysis: run.id, place: busiestOf(each, result.units) }))];
  });

/** The drawer of the alerts that nobody has taken in hand, and of those of late. */
export const alerts = (district, permissions) =>
  filled(word("alerts.title"), async (box, again) => {
    const { items } = await ask("/alerts", { area: state().area, limit: 50 });
    if (!items.length) return nothing("good", word("alerts.none"), word("alerts.none_text"));
    const open = items.filter(({ state: of }) => of === "open");
    const rest = items.filter(({ state: of }) => of !== "open");
    const shown = [...open, ...rest];
    const places = await Promise.all(shown.map(({ grid_ids: [first] }) => first && ask(`/grids/${first}`).catch(() => null)));
    return shown.map((alert, rank) =>
      card(district, box, alert.cluster, { analysis: alert.analysis_id, place: places[rank], alert, permissions, again }),
    );
  });

/** Why there are none to show; what did not arrive is asked for again first. */
async function unmade({ hotspots: held }) {
  if (held.failure) await held.load();
  if (held.failure) throw held.failure;
  const { text, more } = why(held);
  return [nothing("search", text, word("legend.nightly")), more];
}

function filled(title, content) {
  const body = make("div", { className: "stack" }, skeleton());
  const box = drawer(title, body);
  const load = () => content(box, load).then(
    (made) => put(body, [made].flat()),
    (problem) => put(body, failed(problem, load)),
  );
  load();
  return box;
}

function card(district, box, cluster, { analysis, place, alert, permissions = [], again }) {
  const category = alert && district.categories.get(alert.category_id);
  return make(
    "section",
    { className: "card cluster", "data-cluster": alert?.id ?? cluster?.rank },
    make(
      "h3",
      {},
      [alert ? (category ? named(category) : word("alerts.one")) : word("hot.rank", { n: cluster.rank }), placeOf(cluster, place)].join(" · "),
      " ",
      alert ? chip(word(`alerts.${alert.state}`), alert.state === "open" ? "alarm" : "good", alert.state === "open" ? "alarm" : "good") : level(cluster),
    ),
    cluster?.partial ? make("p", { className: "note" }, word("clusters.partial")) : cluster && figures(cluster),
    cluster && make("ul", { className: "reasons" }, sentences(district, cluster, alert).map((text) => make("li", {}, text))),
    make(
      "div",
      { className: "row" },
      cluster?.place && button("search", word("clusters.show"), () => (box.close(), fly(district, cluster.place))),
      make("a", { className: "button small", href: keeping(`/reports/${analysis}`) }, icon("report"), word("clusters.report")),
      alert?.state === "open" && permissions.includes("alerts.write") && button("good", word("alerts.acknowledge"), () => acknowledge(alert, again), { className: "button small primary" }),
    ),
  );
}

/** How sure a hot spot is; one that is hot by the grids around it alone says so, since its own figures say the contrary. */
const level = ({ class: sure, by_neighbours: around }) => sure && chip(word(around ? "hot.level_around" : "hot.level", { level: sure }), around ? "watch" : "alarm");

/** The grid of a cluster with the most incidents stands for it. */
const busiestOf = ({ members }, units) =>
  units.filter(({ grid_id: id }) => members.includes(id)).sort((a, b) => (b.observed ?? 0) - (a.observed ?? 0))[0];

function placeOf(cluster, place) {
  const others = (cluster?.members?.length ?? 1) - 1;
  const name = place ? named(place) : word("clusters.somewhere");
  return others > 0 ? word("clusters.more", { name, n: count(others) }) : name;
}

function figures({ observed, expected, ratio, interval }) {
  const pairs = [
    ["clusters.observed", count(observed)],
    ["clusters.expected", decimal(expected, expected < 1 ? 2 : 1)], // 63 times 0.0 is no number
    ["clusters.ratio", [decimal(ratio), " ", interval && make("span", { className: "interval" }, `(${decimal(interval[0])}–${decimal(interval[1])})`)]],
  ];
  return make("dl", { className: "figures" }, pairs.map(([key, value]) => make("div", { "data-explain": `${word(key)}\n${word(`${key}.formula`)}` }, make("dt", {}, word(key)), make("dd", { className: "number" }, value))));
}

function sentences(district, cluster, alert) {
  const kinds = (cluster.categories ?? []).slice(0, CATEGORIES).map(({ category_id: id, observed }) => {
    const kind = district.categories.get(id);
    return `${kind ? named(kind) : id} ${count(observed)}`;
  });
  const hours = cluster.hours ?? [];
  const busiest = hours.indexOf(Math.max(...hours));
  return [
    cluster.by_neighbours && word("clusters.by_neighbours"),
    cluster.period && word(cluster.period.days === 1 ? "clusters.one_day" : "clusters.period", { days: span(cluster.period.from, cluster.period.to), n: cluster.period.days }),
    kinds.length > 1 && word("clusters.kinds", { kinds: listed(kinds) }),
    hours.some(Boolean) && word("why.hour", { from: busiest, to: busiest + 1 }),
    cluster.q != null && word("clusters.q", { q: decimal(cluster.q, 3) }),
    cluster.q == null && cluster.p != null && word("clusters.p", { p: decimal(cluster.p, 3) }),
    alert && word("alerts.recurrence", { days: count(alert.recurrence_days) }),
    alert && alert.times_seen > 1 && word("alerts.seen", { n: count(alert.times_seen), from: date(alert.raised_for), to: date(alert.last_seen_for) }),
    cluster.deadlines?.overdue_share != null && word("clusters.late", { share: percent(cluster.deadlines.overdue_share, 0), around: percent(cluster.deadlines.overdue_share_around ?? 0, 0) }),
    alert?.note && word("alerts.note", { note: alert.note }),
  ].filter(Boolean);
}

function fly(district, { lon, lat, radius_m: radius }) {
  const reach = Math.max(radius ?? 0, NEAR_M) * METRE_DEG * 1.4;
  const wide = reach / Math.cos((lat * Math.PI) / 180);
  district.fit([lon - wide, lat - reach, lon + wide, lat + reach], { maxZoom: 17 });
}

function acknowledge(alert, again) {
  const note = make("textarea", { className: "field", name: "note", rows: 3, maxLength: 500 });
  formDialog(word("alerts.acknowledge"), field(word("alerts.what"), note, { hint: word("alerts.what_hint") }), word("alerts.acknowledge"), async (form) => {
    await tell(`/alerts/${alert.id}/acknowledge`, { note: form.elements.note.value.trim() });
    document.dispatchEvent(new CustomEvent("alerts"));
    again();
  });
}
