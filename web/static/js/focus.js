/** Where the keyboard is: many buttons as one stop of Tab, and a focus that outlives what is drawn anew. */

/** Do what draws `body` anew; what has the focus there keeps it, where it bears a `data-focus`. */
export function keepingFocus(body, work) {
  const had = body.contains(document.activeElement) && document.activeElement.dataset.focus;
  work();
  if (had) body.querySelector(`[data-focus="${CSS.escape(had)}"]`)?.focus({ preventScroll: true });
}

/** Whether the focus is where it was when `held` had it: on it, on what stands in its place where it was drawn anew, or nowhere. */
export function still(held) {
  const now = document.activeElement;
  if (now === held || now === document.body) return true;
  return !held.isConnected && Boolean(held.dataset.focus) && now.dataset.focus === held.dataset.focus;
}

/** One stop of Tab: arrows walk the buttons, Home and End lead to the ends, and Tab comes back to where one was. Let `host` walk the buttons that `selector` finds in it, whenever they are made; returns a function that sees to the one stop after a change. */
export function roving(host, selector = "button") {
  const open = () => [...host.querySelectorAll(selector)].filter((each) => !each.disabled);
  const stop = (one) => {
    for (const each of open()) each.tabIndex = each === one ? 0 : -1;
  };
  host.addEventListener("focusin", ({ target }) => target.matches(selector) && stop(target));
  host.addEventListener("keydown", (event) => {
    const all = open();
    const at = all.indexOf(event.target);
    const next = at < 0 ? undefined : walked(event.key, at, all.length);
    if (next === undefined) return;
    event.preventDefault();
    all[next].focus();
  });
  return () => {
    const all = open();
    const was = all.find((each) => each === document.activeElement) ?? all.find((each) => each.getAttribute("tabindex") === "0");
    stop(was ?? all[0]);
  };
}

function walked(key, at, length) {
  if (key === "Home") return 0;
  if (key === "End") return length - 1;
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
  return by && (at + by + length) % length;
}
