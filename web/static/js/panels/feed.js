/** The newest incidents; new ones wait behind a button so that nothing moves under the reader's hand. */

import { make, put } from "../dom.js";
import { icon } from "../icons.js";
import { roving } from "../focus.js";
import { change } from "../state.js";
import { shape } from "../symbols.js";
import { age, coded, named, namedIn, word } from "../words.js";

export const KEPT = 60;

/** A feed in `section`; `seen` is told which items are shown, `open` what was chosen. */
export class Feed {
  constructor(section, { seen, open }) {
    this.body = section.querySelector(".body");
    this.seen = seen;
    this.open = open;
    this.items = [];
    this.waiting = [];
    this.paused = false;
    this.pause = make("button", { type: "button", className: "button small quiet", onclick: () => this.hold(!this.paused) });
    section.querySelector("h2").append(make("span", { className: "aside" }, this.pause));
    this.newer = make("button", { type: "button", className: "button small newer", hidden: true, onclick: () => this.release() });
    this.list = make("ul", { className: "feed", "aria-live": "off", "aria-label": word("feed.title") });
    this.settle = roving(this.list);
    this.hold(false);
  }

  hold(paused) {
    this.paused = paused;
    put(this.pause, icon(paused ? "play" : "pause"), word(paused ? "feed.resume" : "feed.pause"));
    this.pause.setAttribute("aria-pressed", String(paused));
    if (!paused) this.release();
  }

  /** Replace everything: another area, another filter. */
  show(items) {
    this.items = items.slice(0, KEPT);
    this.waiting = [];
    this.render(new Set());
  }

  /** What came since; shown at once unless someone is reading. */
  offer(items) {
    const known = new Set([...this.items, ...this.waiting].map(({ id }) => id));
    const fresh = items.filter(({ id }) => !known.has(id));
    this.refresh(items);
    if (!fresh.length) return;
    this.waiting = [...fresh, ...this.waiting].slice(0, KEPT);
    if (this.paused || this.list.scrollTop > 8 || this.list.matches(":hover, :focus-within")) this.announce();
    else this.release();
  }

  refresh(items) {
    const latest = new Map(items.map((item) => [item.id, item]));
    const changed = new Set();
    const newer = (item) => {
      const found = latest.get(item.id) ?? item;
      if (JSON.stringify(found) !== JSON.stringify(item)) changed.add(item.id);
      return found;
    };
    this.waiting = this.waiting.map(newer);
    this.items = this.items.map(newer);
    for (const row of [...this.list.children]) {
      row.querySelector(".age").textContent = age(row.reportedAt);
      const button = row.querySelector("[data-incident]");
      if (!changed.has(Number(button.dataset.incident))) continue;
      const held = document.activeElement === button;
      const fresh = this.row(this.items.find(({ id }) => id === Number(button.dataset.incident)), false);
      row.replaceWith(fresh);
      if (held) fresh.querySelector("button").focus();
    }
    this.settle();
  }

  announce() {
    this.newer.hidden = !this.waiting.length;
    this.newer.textContent = word("feed.newer", { n: this.waiting.length });
  }

  release() {
    const fresh = new Set(this.waiting.map(({ id }) => id));
    this.items = [...this.waiting, ...this.items].slice(0, KEPT);
    this.waiting = [];
    if (fresh.size) {
      this.list.scrollTop = 0;
      this.render(fresh);
    }
    this.announce();
  }

  render(fresh) {
    this.seen(this.items); // none, too: the map lets go of the last ones
    if (!this.items.length) return put(this.body, make("p", { className: "empty" }, word("feed.empty")));
    put(
      this.list,
      this.items.map((item) => this.row(item, fresh.has(item.id))),
    );
    put(this.body, this.newer, this.list);
    this.settle();
    this.announce();
  }

  row(item, fresh) {
    const { category, severity, overdue, title } = item;
    const where =
      [item.community && named(item.community), item.grid && namedIn(item.grid, item.community)].filter(Boolean).join(" · ") ||
      word("feed.unplaced");
    const told = title || named(category);
    const row = make(
      "li",
      { className: fresh ? "fresh" : "" },
      make(
        "button",
        {
          type: "button",
          "data-incident": item.id,
          title: [told, where, named(category), coded("state", item.state)].join(" · "),
          onclick: () => this.open(item),
        },
        shape(category.symbol, severity),
        make("span", { className: "what" }, told),
        make("span", { className: `chip s${severity}` }, word(`severity.${severity}`)),
        make(
          "span",
          { className: "where" },
          make("span", {}, where),
          overdue && make("span", { className: "late" }, word("overdue")),
          make("span", { className: "age" }, age(item.reported_at)),
        ),
      ),
    );
    row.reportedAt = item.reported_at;
    return row;
  }
}

/** Lead to a feed's item: its card, its place on the map, its grid in the URL. */
export function goTo(district, item, { step = true } = {}) {
  const ground = item.place && item.grid && item.community && { area: item.community.code, grid: String(item.grid.id), building: "", at: [...item.place, 17] };
  change({ ...ground, incident: String(item.id) }, { step });
  if (item.place) district.fly(item.place, 17);
}
