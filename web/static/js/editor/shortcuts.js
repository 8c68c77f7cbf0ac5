/** The sheet of keys, and the switch for those who speak to their computer and want no letters to act. */

import { make } from "../dom.js";
import { word } from "../words.js";
import { dialog } from "../components.js";
import { TOOLS } from "./toolbox.js";

const MORE = {
  "keys.deciding": [
    ["Enter", "keys.enter"],
    ["Esc", "keys.esc"],
    ["Ctrl Z", "tool.undo"],
    ["Ctrl Shift Z", "tool.redo"],
    ["Ins / Del", "keys.insert"],
    ["[ ]", "keys.brush"],
  ],
  "keys.moving": [
    ["← ↑ → ↓", "keys.arrows"],
    ["Shift ←", "keys.shift_arrows"],
    ["Space", "keys.space"],
    ["Tab", "keys.tab"],
    ["N / Shift N", "keys.next"],
    ["F", "keys.fit"],
    ["+ −", "keys.zoom"],
    ["?", "tool.help"],
  ],
};

/** Open the sheet. */
export function help(editor) {
  const tools = [...TOOLS.map(([name, key]) => [key.toUpperCase(), `tool.${name}`]), ["P", "tool.propose"]];
  const groups = Object.entries({ "editor.tools": tools, ...MORE });
  const row = ([key, text]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, word(text)));
  const box = make("input", {
    type: "checkbox",
    id: "letters",
    checked: editor.letters,
    onchange: () => {
      editor.letters = box.checked;
      localStorage.setItem("wangge_letters", box.checked ? "on" : "off");
    },
  });
  dialog(
    word("keys.title"),
    [
      make("div", { className: "keys" }, groups.map(([title, rows]) => make("section", {}, make("h3", {}, word(title)), make("dl", {}, rows.map(row))))),
      make("p", { className: "check" }, box, make("label", { htmlFor: "letters" }, word("keys.letters"))),
      make("p", { className: "note" }, word("keys.touch")),
    ],
    [],
    { wide: true },
  );
}
