/** What a panel says when there is nothing to show, and the way to where there is something. */

import { ask } from "../api.js";
import { make, put } from "../dom.js";
import { change, state } from "../state.js";
import { date, isoDay, word } from "../words.js";

const DAYS = 90;
const DAY_MS = 86_400_000;

/** Say that there is nothing; `offer` tells of the newest incident of the same area and categories and leads to its days. */
export function empty(body, { offer = false } = {}) {
  const box = make("div", { className: "empty" }, make("p", {}, word("empty")));
  put(body, box);
  if (offer) newest().then((found) => found && box.isConnected && suggest(box, found.reported_at), () => null);
}

async function newest() {
  const { area, category } = state();
  return (await ask("/feed", { area, category, limit: 1 })).items[0];
}

function suggest(box, at) {
  const to = isoDay(at);
  const from = isoDay(new Date(at).getTime() - (DAYS - 1) * DAY_MS);
  box.append(
    make("p", {}, word("period.newest", { date: date(at) })),
    make(
      "button",
      { type: "button", className: "button small", "data-around": to, onclick: () => change({ from, to }, { step: true }) },
      word("period.around", { n: DAYS }),
    ),
  );
}
