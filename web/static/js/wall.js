/** A wall of screens: no controls, one area after the other or the same one, for weeks. */

import { ask } from "./api.js";
import { change } from "./state.js";
import { clock, now } from "./words.js";

const EACH_MS = 20_000;
const UNHEARD = ["lost", "out", "barred"];
const HOUR_MS = 3_600_000;
const QUIET_HOUR = 4; // of the deployment's day; a page that is loaded anew each night keeps no leak for long

/** Whether the address asks for a wall: "1" goes round, "stay" stays. */
export const wanted = () => new URLSearchParams(location.search).get("wall");

/** Take everything away that can be pressed, before any of it shows. */
export function dress() {
  if (!wanted()) return;
  document.body.dataset.wall = wanted();
  // Whoever passes by opens nothing, and a pointer left lying on the feed does not hold it.
  document.body.inert = true;
}

/** Set the wall going; goes round the children of the area it was opened on, and back to all of it. */
export async function start(district, { area, each = EACH_MS } = {}) {
  document.addEventListener("trail", ({ detail }) => district.fit((detail.grid ?? detail.areas.at(-1)).bbox));
  anew();
  if (wanted() === "stay") return;
  const home = area || district.deployment.root;
  const { items } = await ask("/areas", home ? { parent: home } : { level: "district" }).catch(() => ({ items: [] }));
  const round = ["", ...items.map(({ code }) => code)];
  if (round.length < 2) return;
  let turn = 0;
  setInterval(() => {
    // Where nobody answers, what was heard last is worth more than the next area without its figures.
    if (UNHEARD.includes(document.querySelector("#live").dataset.state)) return;
    turn = (turn + 1) % round.length;
    change({ area: round[turn] || area, grid: "", building: "", at: null });
  }, each);
}

/** Load the page anew in the quiet of the night; where the server does not answer, wait an hour and look again. */
function anew() {
  const hour = Number(clock(now(), { hour: "numeric" }));
  const wait = ((QUIET_HOUR - hour + 24) % 24 || 24) * HOUR_MS;
  const load = () =>
    fetch("/healthz").then(
      ({ ok }) => (ok ? location.reload() : setTimeout(load, HOUR_MS)),
      () => setTimeout(load, HOUR_MS),
    );
  setTimeout(load, wait);
}
