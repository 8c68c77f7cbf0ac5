/** The children of the present level by count, rate and overdue; the list that equals the map. */

import { make, put } from "../dom.js";
import { change } from "../state.js";
import { count, decimal, named, namedIn, word } from "../words.js";

const COLUMNS = ["count", "rate_per_1000", "open", "overdue"];
let order = "count";
let last = null;

/** Draw the table; a click on a name goes there. Grids are told without the name of the area they are all in. */
export function show(body, { ranking }, around) {
  last = [body, { ranking }, around];
  if (!ranking.length) return put(body, make("p", { className: "empty" }, word("empty")));
  const rows = [...ranking].sort((a, b) => (b[order] ?? -1) - (a[order] ?? -1));
  const names = short(rows.map((row) => (row.grid_id ? namedIn(row, around) : named(row))));
  const most = Math.max(1, ...rows.map((row) => row[order] ?? 0));
  put(
    body,
    make(
      "div",
      { className: "rank", tabIndex: 0, role: "region", "aria-label": word("ranking.title") },
      make(
        "table",
        {},
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            make("th", { scope: "col" }, make("span", { className: "unseen" }, word("ranking.rank"))),
            make("th", { scope: "col" }, word(`level.${rows[0].level}`)),
            COLUMNS.map(head),
          ),
        ),
        make(
          "tbody",
          {},
          rows.map((row, rank) => line(row, rank, most, names[rank])),
        ),
      ),
    ),
  );
}

function head(key) {
  return make(
    "th",
    { scope: "col", "aria-sort": key === order ? "descending" : null },
    make(
      "button",
      { type: "button", title: word(`ranking.${key}.formula`), onclick: () => sortBy(key) },
      `${word(`ranking.${key}`)}${key === order ? " ↓" : ""}`,
    ),
  );
}

function sortBy(key) {
  order = key;
  show(...last);
  last[0].querySelector(`[aria-sort] button`)?.focus();
}

/** Names without the last word that all of them share: the head of the column says it. */
function short(names) {
  const [shared] = / \S+$/.exec(names[0]) ?? [""];
  const said = shared && names.length > 1 && names.every((name) => name.endsWith(shared) && name.length > shared.length);
  return said ? names.map((name) => name.slice(0, -shared.length)) : names;
}

function line(row, rank, most, name) {
  const part = row.grid_id ? { grid: String(row.grid_id), building: "", at: null } : { area: row.code, grid: "", building: "", at: null };
  const meter = make("i", { className: "meter", "aria-hidden": "true" });
  meter.style.width = `${((row[order] ?? 0) / most) * 100}%`;
  const cell = (key, text) =>
    make("td", { className: key === order ? "bar-cell" : key === "overdue" && row.overdue ? "hot" : "" }, text, key === order && meter);
  return make(
    "tr",
    {},
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
