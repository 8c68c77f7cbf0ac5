/** Why a grid stands out in the period: its rate and its categories against what the district's rates would give it. */

import { ask } from "../api.js";
import { make, put } from "../dom.js";
import { icon } from "../icons.js";
import { change, state } from "../state.js";
import { count, decimal, named, word } from "../words.js";
import { holds, range } from "./hours.js";
import { asked } from "./period.js";

const SMALL = 5;
const TOLD = 3;
const CLEARLY = 1.5;

/** A section that fills itself; nothing where the caller may not see statistics. */
export function section(grid, households, permissions) {
  const host = make("div", { className: "why" });
  if (permissions.includes("statistics")) load(host, grid, households).catch(() => null);
  return host;
}

async function load(host, grid, households) {
  const { category, hours } = state();
  const query = { ...asked(state()), category, hours };
  const [own, all] = (await Promise.all([ask("/overview", { ...query, grid }), ask("/overview", query)])).map((told) => ofChosen(told, category, range(hours)));
  put(host, make("h4", {}, word("why.title")), make("ul", { className: "reasons" }, reasons(own, all, households).map((text) => make("li", {}, text))), rows());
}

/** An overview tells all categories and all hours, so that others can be chosen: here those count that were. */
const ofChosen = (told, category, chosen) => ({
  ...told,
  categories: category.length ? told.categories.filter(({ id }) => category.includes(String(id))) : told.categories,
  hours: told.hours.map((n, hour) => (holds(chosen, hour) ? n : 0)),
});

const rows = () =>
  make("button", { type: "button", className: "button small", onclick: () => change({ rows: "period" }, { step: true }) }, icon("list"), word("why.rows"));

/** Sentences, the strongest first. */
export function reasons(own, all, households) {
  const n = sum(own.categories, "count");
  const ground = sum(all.ranking, "households");
  const share = ground ? households / ground : 0;
  const usual = ground ? (sum(all.ranking, "count") / ground) * 1000 : 0;
  const rate = households ? (n / households) * 1000 : 0;
  const kpi = (id) => own.kpi.find((each) => each.id === id)?.value ?? 0;
  const most = Math.max(...own.hours);
  const busiest = own.hours.indexOf(most);
  const figures = { rate: decimal(rate), usual: decimal(usual), times: decimal(usual ? rate / usual : 0) };
  return [
    households > 0 && usual > 0 && word(rate >= usual * CLEARLY ? "why.rate" : "why.rate_low", figures),
    ...categories(own.categories, all.categories, share),
    most >= 3 && own.hours.some((n, hour) => n && hour !== busiest) && word("why.hour", { from: busiest, to: busiest + 1 }),
    kpi("open") > 0 && word("why.late", { open: count(kpi("open")), late: count(kpi("overdue")) }),
    n < SMALL && word("why.few"),
  ].filter(Boolean);
}

function categories(own, all, share) {
  const usual = new Map(all.map((each) => [each.id, each.count * share]));
  const more = own
    .map((each) => ({ ...each, expected: usual.get(each.id) ?? 0 }))
    .filter((each) => each.count >= 2 && each.count >= each.expected * CLEARLY)
    .sort((a, b) => b.count - b.expected - (a.count - a.expected))
    .slice(0, TOLD);
  if (!more.length) return [word("why.none")];
  return more.map((each) => word("why.category", { name: named(each), n: count(each.count), expected: decimal(each.expected) }));
}

const sum = (list, of) => list.reduce((total, each) => total + each[of], 0);
