/** The rows behind a figure: a drawer of incidents (or officers) with the filter of the page, paged, to read, to go to, to take away. */

import { ask } from "../api.js";
import { button, chip, drawer, failed, nothing, segments, table } from "../components.js";
import { make, put, skeleton } from "../dom.js";
import { icon } from "../icons.js";
import { change, state } from "../state.js";
import { shape } from "../symbols.js";
import { coded, count, dayTime, isoDay, named, namedIn, now, word } from "../words.js";
import * as clusters from "./clusters.js";
import { goTo } from "./feed.js";
import { told } from "./hours.js";
import { asked } from "./period.js";

const PAGE = 50;
const OF = {
  today: () => ({ from: isoDay(now()), to: isoDay(now()) }),
  open: () => ({ open: true }),
  overdue: () => ({ overdue: true, order: "due" }), // the oldest is what one looks for
  closing_rate: (present) => ({ ...whole(asked(present)), by: "due" }),
  mean_handling: (present) => ({ ...whole(asked(present)), by: "closed", state: "closed" }),
  period: (present) => whole(asked(present)),
};
const OTHERS = { on_duty: (district) => officers(district), hotspots: clusters.hotspots, alerts: clusters.alerts };
/** Figures of what is under way; their rows can be cut down to what nobody has in hand yet. */
const UNDER_WAY = ["open", "overdue"];
const IN_NO_HAND = ["reported", "verifying", "filed", "returned"];
/** A figure of a period counts whole days, so do its rows. */
const whole = ({ from, to }) => ({ from: isoDay(from), to });

/** Open the drawer that the state names, close the one it names no more. */
export function follow(district, permissions) {
  let open = null;
  return () => {
    const { rows } = state();
    if (open?.dataset.rows === rows) return;
    const past = open;
    open = null;
    past?.close();
    const made = Object.hasOwn(OTHERS, rows) ? OTHERS[rows](district, permissions) : Object.hasOwn(OF, rows) ? incidents(district, rows) : null;
    if (!made) return;
    open = made;
    const mine = open;
    mine.dataset.rows = rows;
    mine.addEventListener("close", () => {
      if (open !== mine) return;
      open = null;
      change({ rows: "" });
    });
  };
}

function incidents(district, rows) {
  const { area, grid, category, hours } = state();
  const filter = { area, grid, category, hours, ...OF[rows](state()) };
  const body = make("div", { className: "stack" });
  const parts = make("div");
  const more = button("down", word("rows.more"), () => page(), { className: "button" });
  const file = make("a", { className: "button", download: "incidents.csv" }, icon("download"), word("rows.export"));
  const box = drawer(word(`rows.${rows}`), [make("div", { className: "row" }, where(district), parts), body], [file]);
  const list = make("tbody");
  let cursor = "";
  let shown = 0;
  let turn = 0;
  const choose = (part) => {
    filter.state = part === "waiting" ? IN_NO_HAND : OF[rows](state()).state;
    file.href = `/api/v1/incidents.csv?${query(filter)}`;
    if (UNDER_WAY.includes(rows)) put(parts, segments(word("rows.part"), ["", "waiting"].map((each) => [each, word(`rows.part_${each || "all"}`)]), part, choose));
    [cursor, shown] = ["", 0];
    put(list);
    put(body, skeleton());
    page();
  };
  const page = async () => {
    const mine = ++turn;
    more.disabled = true;
    try {
      const { items, next } = await ask("/incidents", { ...filter, limit: PAGE, cursor });
      if (mine !== turn) return;
      cursor = next;
      shown += items.length;
      list.append(...items.map((item) => row(district, item, box)));
      put(
        body,
        shown ? sheet(list) : nothing("search", word("empty"), word("rows.empty")),
        shown > 0 && make("div", { className: "row" }, next && more, make("span", { className: "note" }, word(next ? "rows.so_far" : "rows.all", { n: count(shown) }))),
      );
    } catch (problem) {
      if (mine === turn) put(body, failed(problem, () => (put(body, skeleton()), page())));
    } finally {
      more.disabled = false;
    }
  };
  choose("");
  return box;
}

/** Where and what the rows are of: the trail, and what else filters them. */
function where(district) {
  const { category, hours } = state();
  const names = district.trail.areas.map(named);
  if (district.trail.grid) names.push(namedIn(district.trail.grid, district.trail.areas.at(-1)));
  const kinds = category.map((id) => district.categories.get(Number(id))).filter(Boolean);
  return make("div", { className: "row" }, chip(names.join(" › ")), kinds.map((kind) => chip(named(kind))), hours && chip(told(hours)));
}

function query(filter) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) for (const each of [value].flat()) if (each !== "" && each != null) parameters.append(key, each);
  return parameters;
}

function sheet(list) {
  const made = table(word("rows.list"), ["incident", "where", "state", "reported"].map((key) => ({ text: word(`rows.${key}`) })), []);
  made.classList.add("stacks");
  made.querySelector("tbody").replaceWith(list);
  return made;
}

function row(district, item, box) {
  // A click anywhere in the row leads there, its button the keyboard; what somebody marks to copy it leads nowhere.
  const open = ({ target }) => {
    if (!target.closest("button") && !getSelection().isCollapsed) return;
    box.close();
    goTo(district, item);
  };
  const place = [item.community && named(item.community), item.grid && namedIn(item.grid, item.community)].filter(Boolean).join(" · ");
  return make(
    "tr",
    { "data-incident": item.id, className: "leads", onclick: open },
    make(
      "td",
      {},
      make("button", { type: "button", className: "link" }, shape(item.category.symbol, item.severity), item.title || named(item.category)),
      make("small", { className: "number" }, `${item.id} · ${named(item.category)}`),
    ),
    make("td", {}, place || word("feed.unplaced"), make("small", {}, item.address)),
    make("td", {}, chip(coded("state", item.state)), item.overdue && make("small", { className: "late" }, word("overdue"))),
    make("td", { className: "number" }, dayTime(item.reported_at), item.due_at && make("small", {}, word("rows.due", { at: dayTime(item.due_at) }))),
  );
}

function officers(district) {
  const body = make("div", { className: "stack" }, skeleton());
  const box = drawer(word("rows.on_duty"), [where(district), body]);
  const load = async () => {
    try {
      const { items } = await ask("/officers", { area: state().area });
      const people = [...items].sort((one, other) => Number(other.on_duty) - Number(one.on_duty));
      put(body, people.length ? sheetOf(district, people, box) : nothing("people", word("rows.no_officers"), word("rows.no_officers_text")));
    } catch (problem) {
      put(body, failed(problem, load));
    }
  };
  load();
  return box;
}

const sheetOf = (district, people, box) =>
  table(
    word("rows.on_duty"),
    [{ text: word("officer.one") }, { text: word("rows.duty") }, { text: word("rows.grids") }],
    people.map(({ name, on_duty: duty, grids = [], last_place: place }) => [
      make("button", { type: "button", className: "link", disabled: !place, onclick: () => (box.close(), district.fly(place, 16.5)) }, name),
      chip(word(duty ? "officer.on" : "officer.off"), duty ? "good" : ""),
      grids.map((grid) =>
        make("button", { type: "button", className: "link", onclick: () => (box.close(), change({ grid: String(grid), building: "", at: null }, { step: true })) }, word("rows.to_grid")),
      ),
    ]),
  );
