/** What a page tells: for a moment, until it is closed, or to screen readers alone. */

import { make } from "./dom.js";
import { word } from "./words.js";
import { icon } from "./icons.js";

const at = (id) => document.querySelector(`#${id}`);
const NOTICE_MS = 6_000;
let silence = null;

/** A notice of a kind in place of the last one of that kind; without content it goes away. */
export function notice(kind, ...content) {
  at("notices").querySelector(`[data-kind=${kind}]`)?.remove();
  if (!content.length) return;
  const shut = () => notice(kind);
  at("notices").append(
    make(
      "div",
      { className: "notice", "data-kind": kind },
      ...content,
      make("button", { type: "button", className: "tool", "aria-label": word("close"), onclick: shut }, icon("close")),
    ),
  );
}

/** Told to everybody for a moment. */
export function say(text) {
  notice("said", text);
  clearTimeout(silence);
  silence = setTimeout(() => notice("said"), NOTICE_MS);
}

/** Told to screen readers only. */
export const whisper = (text) => (at("said").textContent = text);

/** The way back in, to the same place; `beside` this page, where it holds what somebody typed. */
export const signIn = ({ beside = false } = {}) =>
  make(
    "a",
    { className: "button small primary", href: `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, target: beside && "_blank" },
    word("sign_in.submit"),
  );
