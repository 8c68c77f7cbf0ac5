/** Every component in every state on one page: what to build a page from, and where to see that a change breaks none of them. */

import { ask } from "./api.js";
import { button, chip, dialog, drawer, failed, field, formDialog, nothing, segments, select, table } from "./components.js";
import { make, put, skeleton } from "./dom.js";
import { notice, say } from "./notices.js";
import { shape } from "./symbols.js";
import * as tools from "./tools.js";
import { area, clock, count, date, decimal, keepTime, now, percent, span, word } from "./words.js";

const TYPE = [1, 2, 3, 4, 5, 6, 7, 8];
const SPACES = [1, 2, 3, 4, 5, 6, 7];
const COLOURS = [
  ["ground", "panel", "well", "well-hover", "line", "line-strong"],
  ["text", "muted", "faint", "accent", "accent-soft", "accent-ink"],
  ["good", "watch", "alarm", "good-soft", "watch-soft", "alarm-soft"],
  ["fill-1", "fill-2", "fill-3", "fill-4", "fill-5", "fill-none"],
  ["hot-90", "hot-95", "hot-99", "cold", "hot-case", "late"],
  ["s1", "s2", "s3", "s1-soft", "s2-soft", "s3-soft"],
];
const at = (id) => document.querySelector(`#${id}`);
const none = () => undefined;

/** Show all of them. */
export async function start({ timeZone }) {
  tools.show(at("tools"), { signedIn: true });
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  put(at("components"), [type, colours, buttons, chips, forms, figures, tables, overlays, states].map((show) => show()));
  document.body.dataset.ready = "true";
}

const section = (name, ...content) =>
  make("section", { className: "card", id: name }, make("h2", {}, word(`design.${name}`)), make("div", { className: "body stack" }, content));

const type = () =>
  section(
    "type",
    TYPE.map((step) => {
      const line = make("p", {}, `${word("title")} · ${count(1007)}`, make("code", {}, `--type-${step}`));
      line.style.fontSize = `var(--type-${step})`;
      return line;
    }),
    SPACES.map((step) => {
      const bar = make("i");
      bar.style.width = `var(--space-${step})`;
      return make("div", { className: "space" }, bar, make("code", {}, `--space-${step}`));
    }),
  );

const colours = () =>
  section(
    "colours",
    COLOURS.map((names) =>
      make(
        "div",
        { className: "swatches" },
        names.map((name) => {
          const patch = make("i");
          patch.style.background = `var(--${name})`;
          return make("span", {}, patch, make("code", {}, `--${name}`));
        }),
      ),
    ),
  );

const row = (...content) => make("div", { className: "row" }, content);

const buttons = () =>
  section(
    "buttons",
    row(
      button("good", word("save"), none, { className: "button primary" }),
      button("file", word("cancel"), none, { className: "button" }),
      button("close", word("plans.withdraw"), none, { className: "button danger" }),
      button("redo", word("retry"), none, { className: "button quiet" }),
      button("list", word("legend.title"), none, { className: "button", disabled: true }),
    ),
    row(button("layers", word("layers.title"), none), button("layers", word("layers.title"), none, { pressed: true })),
    row(segments(word("period.one"), ["24h", "7d", "30d"].map((key) => [key, word(`period.${key}`)]), "7d", none)),
  );

const chips = () =>
  section(
    "chips",
    row(chip(word("incident.closed")), ["good", "watch", "alarm"].map((kind) => chip(word(`threshold.${kind}`), kind, kind))),
    row([1, 2, 3].map((severity) => [shape("leaf", severity), chip(word(`severity.${severity}`), `s${severity}`)])),
  );

const forms = () =>
  section(
    "forms",
    field(word("sign_in.name"), make("input", { className: "field", autocomplete: "off" }), { hint: word("design.hint") }),
    field(word("layers.fill"), select([["rate", word("fill.rate")], ["open", word("fill.open")]], "rate")),
    field(word("period.from"), make("input", { type: "date", className: "field" })),
    field(word("plans.find"), make("textarea", { className: "field", rows: 2 })),
    make("label", { className: "check" }, make("input", { type: "checkbox", checked: true }), word("layer.hotspots")),
    make("p", { className: "refusal" }, word("error.not_permitted")),
  );

/** The same figures as every page writes them, in the language of the page. */
function figures() {
  const week = 7 * 86_400_000;
  const told = [count(1_000_000), decimal(38.25), percent(0.1234), area(44_210), area(44_000_000), date(now()), clock(now(), { hour: "2-digit", minute: "2-digit" }), span(now() - week, now())];
  return section("figures", make("p", { className: "number" }, told.join(" · ")));
}

const tables = () =>
  section(
    "tables",
    table(
      word("ranking.title"),
      [{ text: word("level.grid") }, { text: word("ranking.count"), n: true }, { text: word("ranking.rate_per_1000"), n: true }],
      [1, 2, 3].map((n) => [word("grid.serial", { n }), count(1200 / n), decimal(44.7 / n)]),
    ),
  );

const overlays = () =>
  section(
    "overlays",
    row(
      button("box", word("design.dialog"), () => dialog(word("design.dialog"), make("p", {}, word("design.hint")), [button("good", word("close"), ({ target }) => target.closest("dialog").close())])),
      button("panel", word("design.drawer"), () => drawer(word("design.drawer"), make("p", {}, word("design.hint")))),
      button("file", word("design.form"), () => formDialog(word("design.form"), field(word("sign_in.name"), make("input", { className: "field", required: true })), word("save"), none)),
      button("comment", word("design.toast"), () => say(word("design.hint"))),
      button("watch", word("design.notice"), () => notice("shown", `▲ ${word("live.stale.hint", { time: "12:03" })}`)),
    ),
  );

const states = () =>
  section(
    "states",
    skeleton(),
    nothing("search", word("empty"), word("design.hint"), button("redo", word("retry"), none)),
    failed({ status: 503 }, none),
  );
