/** A report without a map, or how far an analysis is that has none yet. */

import { ask, tell } from "./api.js";
import { make, put } from "./dom.js";
import { icon } from "./icons.js";
import * as tools from "./tools.js";
import { keepTime, known, word } from "./words.js";

const at = (id) => document.querySelector(`#${id}`);
const LOOK_MS = 1_000;

/** Bring the page to life; `waiting` is the analysis that has no report yet. */
export async function start({ waiting, timeZone }) {
  tools.show(at("tools"), { signedIn: true });
  if (waiting) await follow(waiting, timeZone);
  document.body.dataset.ready = "true";
}

/** Ask again until the analysis is over; then show its report, or say why there is none. */
async function follow(id, timeZone) {
  const me = await ask("/me");
  keepTime(timeZone, me.deployment.now);
  const bar = make("progress", { max: 1, value: 0, "aria-label": word("reports.progress") });
  const stage = make("p", {}, "");
  const stop = make("button", { type: "button", className: "button", onclick: () => cancel(id, stop) }, word("reports.cancel"));
  const may = me.permissions.includes("analyses.write");
  put(at("waiting"), make("h2", {}, word("reports.working")), stage, bar, may && stop);
  const look = async () => {
    const { analysis } = await ask(`/analyses/${id}`).catch(() => ({ analysis: null }));
    if (!analysis) return setTimeout(look, LOOK_MS * 3);
    if (analysis.state === "done") return location.reload();
    if (!["asked", "running"].includes(analysis.state)) return over(analysis);
    bar.value = analysis.progress;
    stage.textContent = word(`stage.${analysis.stage}`);
    return setTimeout(look, LOOK_MS);
  };
  await look();
}

async function cancel(id, stop) {
  stop.disabled = true;
  await tell(`/analyses/${id}/cancel`, {}).catch(() => null);
}

function over({ state, refusal }) {
  const said = refusal && known(`refusal.${refusal.code}`);
  const why = refusal && (said ? word(`refusal.${refusal.code}`) : refusal.message);
  // The program's own sentence says more, but in English.
  const more = said && document.documentElement.lang.startsWith("en") && refusal.message;
  put(
    at("waiting"),
    make("h2", {}, icon(state === "cancelled" ? "close" : "watch"), word(`reports.is_${state}`)),
    why && make("p", {}, why),
    more && make("p", { className: "note" }, more),
    make("a", { className: "button primary", href: tools.keeping("/reports") }, word("reports.ask_again")),
  );
}
