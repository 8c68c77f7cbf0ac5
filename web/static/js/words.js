/** Words and figures in the reader's language: codes come from the API, texts from one table per language. */

import { plain } from "./dom.js";

export const language = document.documentElement.dataset.language;
const locale = document.documentElement.lang;
const table = await loaded();
let timeZone = "Asia/Shanghai";
let offset = 0;

/** The text of a key with its slots filled. */
export function word(key, facts = {}) {
  const text = table[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (slot, name) => facts[name] ?? slot);
}

/** Whether a key has a text; for codes that a deployment may add. */
export const known = (key) => key in table;

/** A row's own name in the reader's language. */
export const named = (row) => plain((language === "en" && row.name_en) || row.name || row.code || "");

/** A grid's name without its community's, where that stands beside it anyway. */
export function namedIn(grid, community) {
  const full = language === "en" && !grid.name_en ? (serial(grid) ?? named(grid)) : named(grid);
  const around = [community?.name_en, community?.name].find((each) => each && full.startsWith(each) && full.length > each.length);
  return around ? full.slice(around.length).trim() : full;
}

/** What a grid is called where nobody gave it a name in this language: the last digits of its code. */
function serial({ no, code }) {
  const digits = /(\d{1,3})\D*$/.exec(String(no ?? code ?? ""));
  return digits && word("grid.serial", { n: Number(digits[1]) });
}

/** Several names as one text. */
export const listed = (names) => new Intl.ListFormat(locale, { type: "conjunction" }).format(names);

/** A code's text, or the code itself where a deployment has codes of its own. */
export const coded = (kind, code) => (known(`${kind}.${code}`) ? word(`${kind}.${code}`) : code);

/** Times are told in the deployment's zone and by the server's clock. */
export function keepTime(zone, now) {
  timeZone = zone;
  offset = new Date(now).getTime() - Date.now();
}

export const now = () => Date.now() + offset;

/** The day of a moment in the deployment's zone, as 2026-01-31. */
export const isoDay = (at) =>
  new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment(at));

/** The moment at which a day (2026-01-31) begins in the deployment's zone, as ISO text. */
export function startOf(day) {
  const noon = new Date(`${day}T12:00:00Z`);
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).formatToParts(noon);
  const offset = parts.find(({ type }) => type === "timeZoneName").value.replace("GMT", "");
  return `${day}T00:00:00${offset || "+00:00"}`;
}

// A month is told by its name in English: 03/04 is one day to some readers and another to others.
const MONTH_DAY = language === "en" ? { month: "short", day: "numeric" } : { month: "2-digit", day: "2-digit" };

/** A day and its time, short: the year stands before it unless it is this one. */
export const dayTime = (at) =>
  clock(at, { ...(isoDay(at).slice(0, 4) === isoDay(now()).slice(0, 4) ? {} : { year: "numeric" }), ...MONTH_DAY, hour: "2-digit", minute: "2-digit" });

const formats = new Map();

// Making a format costs far more than using one, and a map has a thousand figures.
function figure(value, style, least, most) {
  if (value == null) return "–";
  const key = `${style}/${least}/${most}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, { style, minimumFractionDigits: least, maximumFractionDigits: most }));
  return formats.get(key).format(value);
}

export const count = (value) => figure(value, "decimal", 0, 0);

export const decimal = (value, digits = 1) => figure(value, "decimal", digits, digits);

export const percent = (value, digits = 1) => figure(value, "percent", digits, digits);

/** Square metres as people read them: hectares from one on, square kilometres from a hundred hectares. */
export function area(m2) {
  if (m2 == null) return "–";
  if (m2 < 10_000) return word("unit.square_metres", { n: count(m2) });
  return m2 < 1_000_000 ? word("unit.hectares", { n: decimal(m2 / 10_000) }) : word("unit.square_kilometres", { n: decimal(m2 / 1_000_000, 1) });
}

// A day without a time is that day in every zone: noon is.
const moment = (at) => new Date(typeof at === "string" && at.length === 10 ? `${at}T12:00:00Z` : at);

export const clock = (at, options) => new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options }).format(moment(at));

export const day = (at) => clock(at, MONTH_DAY);

export const date = (at) => clock(at, { year: "numeric", ...MONTH_DAY });

/** A span of days, as short as the language allows; with its year where that is not this one. */
export function span(from, to) {
  const thisYear = [from, to].every((each) => isoDay(each).slice(0, 4) === isoDay(now()).slice(0, 4));
  const options = { timeZone, month: "short", day: "numeric", ...(thisYear ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(locale, options).formatRange(moment(from), moment(to));
}

const LONG_AGO_DAYS = 60;

/** How long ago, in the largest unit that is not nothing; the date where that says more. */
export function age(at) {
  const minutes = Math.max(0, Math.round((now() - new Date(at).getTime()) / 60_000));
  if (minutes < 1) return word("age.now");
  if (minutes < 60) return word("age.minutes", { n: minutes });
  if (minutes < 60 * 48) return word("age.hours", { n: Math.round(minutes / 60) });
  if (minutes > 1440 * LONG_AGO_DAYS) return date(at);
  return word("age.days", { n: Math.round(minutes / 1440) });
}

async function loaded() {
  const answer = await fetch(`/words/${language}.json`);
  return answer.json();
}

/** Names without the word that all of them share, where there are words: the last one, or the one before "Grid 9". */
export function short(names) {
  const shared = (word) => new Set(names.map((name) => word.exec(name)?.[0]).filter(Boolean)).size === 1;
  const last = / \S+$/;
  if (names.length > 1 && names.every((name) => last.test(name)) && shared(last)) return names.map((name) => name.replace(last, ""));
  const level = / \S+(?= \S+ \d+$)/;
  return shared(level) ? names.map((name) => name.replace(level, "")) : names;
}
