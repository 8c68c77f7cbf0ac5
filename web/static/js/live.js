/** Tells a page what has changed, over one connection for all pages of the browser; and how sure that is. */

import { Stream } from "./stream.js";
import { now } from "./words.js";

const WORKER = "/static/js/stream.js";
const STALE = 120_000;
const LOOK = 5_000;
const MANY = 500;

/**
 * Follow the changes of one person's scope after number `after`, which the page shows already. `changed(changes)` comes while the
 * page is seen, `renew()` when it must ask for everything anew, `sign({state, since})` with state starting, live, stale, lost, out or barred.
 * Returns a function that stops.
 */
export function follow(person, { after = null, changed, renew, sign }) {
  let state = "starting";
  let last = now(); // by the server's clock, by which the page tells time
  let kept = [];
  let whole = false;
  let begun = after === null;
  const tell = (next) => {
    if (next === state && next !== "stale") return;
    state = next;
    sign({ state, since: last });
  };
  const pass = () => {
    if (document.hidden || (!kept.length && !whole)) return;
    const changes = kept;
    kept = [];
    if (whole) renew();
    else changed(changes);
    whole = false;
  };
  const hear = ({ kind, number, changes }) => {
    if (["lost", "out", "barred"].includes(kind)) return tell(kind);
    last = now();
    // Somebody signed in again: what happened meanwhile was not heard.
    const back = ["out", "barred"].includes(state);
    tell("live");
    if (kind === "changes") kept = [...kept, ...changes.filter((each) => begun || each.number > after)];
    // What happened between the page's own first question and the stream.
    const between = !begun && kind === "sign" && number !== null && number > after;
    if (number !== null) begun = true;
    if (kind === "reset" || back || between || kept.length > MANY) {
      whole = true;
      kept = [];
    }
    pass();
  };
  const line = shared(person, hear) ?? own(hear);
  const seen = () => {
    line.seen(!document.hidden);
    pass();
  };
  const watch = setInterval(() => state === "live" && now() - last > STALE && tell("stale"), LOOK);
  const leave = () => line.close();
  const shown = (event) => event.persisted && location.reload();
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", shown);
  seen();
  return () => {
    clearInterval(watch);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", shown);
    leave();
  };
}

/** One stream of all pages of this person. A person who signs in after another does not hear what the other heard. */
function shared(person, hear) {
  if (typeof SharedWorker === "undefined") return null;
  let worker;
  try {
    worker = new SharedWorker(WORKER, { type: "module", name: `live-${person}` });
  } catch {
    return null;
  }
  let instead = null;
  // Where a shared worker cannot run after all, the page listens for itself.
  worker.addEventListener("error", () => (instead ??= own(hear)));
  worker.port.addEventListener("message", ({ data }) => hear(data));
  worker.port.start();
  return {
    seen: (yes) => (instead ? instead.seen(yes) : worker.port.postMessage(yes ? "seen" : "unseen")),
    close: () => (instead ? instead.close() : worker.port.postMessage("bye")),
  };
}

/** A stream of this page alone; closed while nobody looks. */
function own(hear) {
  const stream = new Stream(hear);
  return { seen: (yes) => (yes ? stream.open() : stream.close()), close: () => stream.close() };
}
