/** The children of the present level, or all its grids, by count, rate and overdue; the list that equals the map. */

import { ask } from "../api.js";
import { failed, segments } from "../components.js";
import { make, put, skeleton } from "../dom.js";
import { keepingFocus, roving } from "../focus.js";
import { change, state } from "../state.js";
import { count, decimal, named, namedIn, short, word } from "../words.js";

const COLUMNS = ["count", "rate_per_1000", "open", "overdue"];
const GRIDS = 50;
let order = "count";
let last = null;
let turn = 0;

/** Draw the table; a click on a name goes there. `query` is what the page asks for, for those who want all grids. */
export async function show(body, { ranking }, around, query) {
  last = [body, { ranking }, around, query];
  const mine = ++turn;
  const children = ranking[0]?.level ?? "street";
  choices(body, children);
  if (state().ranked !== "grid" || children === "grid") return draw(body, ranking, around ?? {});
  if (!body.querySelector("table")) put(body, skeleton());
  try {
    const { items } = await ask("/ranking", { ...query, grid: "", order, limit: GRIDS });
    if (mine === turn) draw(body, items, null);
  } catch (problem) {
    if (mine === turn) put(body, failed(problem, () => show(...last)));
  }
}

/** Children or all grids, in the heading; where the children are grids there is nothing to choose. */
function choices(body, children) {
  const heading = body.parentElement.querySelector("h2");
  heading.querySelector(".aside")?.remove();
  if (children === "grid") return;
  const choose = async (ranked) => {
    change({ ranked });
    const shown = show(...last);
    heading.querySelector('.segments [aria-pressed="true"]')?.focus(); // the button that was pressed has been made anew
    await shown;
  };
  const offered = [
    ["", word(`level.${children}`)],
    ["grid", word("ranking.grids")],
  ];
  heading.append(make("span", { className: "aside" }, segments(word("ranking.level"), offered, state().ranked, choose)));
}

function draw(body, rows, around) {
  if (!rows.length) return put(body, make("p", { className: "empty" }, word("empty")));
  const sorted = [...rows].sort((a, b) => (b[order] ?? -1) - (a[order] ?? -1));
  const names = short(sorted.map((row) => (row.grid_id && around ? namedIn(row, around) : named(row))));
  const most = Math.max(1, ...sorted.map((row) => row[order] ?? 0));
  const top = body.querySelector(".rank")?.scrollTop ?? 0;
  const table = make(
    "table",
    {},
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("th", { scope: "col" }, make("span", { className: "unseen" }, word("ranking.rank"))),
        make("th", { scope: "col" }, word(`level.${sorted[0].level}`)),
        COLUMNS.map(head),
      ),
    ),
    make(
      "tbody",
      {},
      sorted.map((row, rank) => line(row, rank, most, names[rank])),
    ),
  );
  const host = make("div", { className: around ? "rank" : "rank long", role: "region", "aria-label": word("ranking.title") }, table);
  keepingFocus(body, () => put(body, host));
  host.scrollTop = top;
  roving(table, "td button")();
}

function head(key) {
  return make(
    "th",
    { scope: "col", "aria-sort": key === order ? "descending" : null },
    make(
      "button",
      { type: "button", "data-explain": `${word(`ranking.${key}`)}\n${word(`ranking.${key}.formula`)}`, onclick: () => sortBy(key) },
      `${word(`ranking.${key}`)}${key === order ? " ↓" : ""}`,
    ),
  );
}

async function sortBy(key) {
  order = key;
  await show(...last);
  last[0].querySelector(`[aria-sort] button`)?.focus();
}

function line(row, rank, most, name) {
  const part = row.grid_id ? { grid: String(row.grid_id), building: "", at: null } : { area: row.code, grid: "", building: "", at: null };
  const meter = make("i", { className: "meter", "aria-hidden": "true" });
  meter.style.width = `${((row[order] ?? 0) / most) * 100}%`;
  const cell = (key, text) =>
    make("td", { className: key === order ? "bar-cell" : key === "overdue" && row.overdue ? "hot" : "" }, text, key === order && meter);
  return make(
    "tr",
    { "aria-current": row.grid_id && String(row.grid_id) === state().grid ? "true" : null },
    make("td", {}, String(rank + 1)),
    make(
      "td",
      {},
      make(
        "button",
        {
          type: "button",
          "data-area": row.code ?? null,
          "data-grid": row.grid_id ?? null,
          "data-focus": row.grid_id ?? row.code,
          title: named(row),
          onclick: () => change(part, { step: true }),
        },
        name,
      ),
    ),
    cell("count", count(row.count)),
    cell("rate_per_1000", row.rate_per_1000 == null ? "–" : decimal(row.rate_per_1000)),
    cell("open", count(row.open)),
    cell("overdue", count(row.overdue)),
  );
}
