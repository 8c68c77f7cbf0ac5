/** Language, theme, full screen, sign-out: the same row of tools on every page. */

import { tell } from "./api.js";
import { make, put } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./notices.js";
import { theme, wear } from "./palette.js";
import { language, word } from "./words.js";

/** Fill a tool row; `signedIn` adds leaving, `full` adds the full screen. */
export function show(host, { signedIn = false, full = false } = {}) {
  put(
    host,
    make(
      "a",
      {
        className: "tool",
        href: other("lang", language === "zh" ? "en" : "zh"),
        lang: language === "zh" ? "en" : "zh-CN",
        hrefLang: language === "zh" ? "en" : "zh-CN",
        onclick: (event) => speak(event, signedIn),
      },
      language === "zh" ? "English" : "中文",
    ),
    themeButton(),
    full &&
      document.fullscreenEnabled &&
      button("full", word("tool.full"), () =>
        document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
      ),
    signedIn && button("out", word("tool.out"), leave),
  );
}

const button = (name, label, onclick) =>
  make("button", { type: "button", className: `tool ${name}`, "aria-label": label, title: label, onclick }, icon(name));

function themeButton() {
  const made = make("button", { type: "button", className: "tool", onclick: () => dress(theme() === "dark" ? "light" : "dark") });
  const label = () => {
    const next = theme() === "dark" ? "light" : "dark";
    put(made, icon(next === "light" ? "sun" : "moon"));
    made.title = word(`tool.theme.${next}`);
    made.setAttribute("aria-label", made.title);
  };
  document.addEventListener("theme", label);
  label();
  return made;
}

function dress(name) {
  history.replaceState(null, "", other("theme", name));
  remember("theme", name);
  wear(name);
}

async function speak(event, signedIn) {
  event.preventDefault();
  const next = language === "zh" ? "en" : "zh";
  remember("lang", next);
  if (signedIn) await tell("/me/language", { language: next }).catch(() => null);
  location.assign(other("lang", next));
}

// The server reads these cookies so that the first paint is right already.
const remember = (key, value) => (document.cookie = `wangge_${key}=${value}; path=/; max-age=31536000; samesite=lax`);

function other(key, value) {
  const query = new URLSearchParams(location.search);
  query.set(key, value);
  return `?${query.toString().replaceAll("%2C", ",")}`;
}

/** Another of our pages, in the language and theme that this address names. */
export function keeping(path) {
  const here = new URLSearchParams(location.search);
  const kept = ["lang", "theme"].filter((key) => here.has(key)).map((key) => `${key}=${here.get(key)}`);
  return kept.length ? `${path}${path.includes("?") ? "&" : "?"}${kept.join("&")}` : path;
}

async function leave() {
  try {
    await tell("/session", undefined, "DELETE");
  } catch (problem) {
    // Whoever walks away must not believe that the seat is closed.
    if (problem.status !== 401) return say(word("tool.out.failed"));
  }
  location.assign("/sign-in");
}
