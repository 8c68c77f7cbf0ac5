/** The sheet of keys, and the switch for those who speak to their computer and want no letters to act. */

import { make } from "../dom.js";
import { word } from "../words.js";
import { dialog } from "../components.js";
import { TOOLS } from "./toolbox.js";

const REST = [
  ["P", "tool.propose"],
  ["Ctrl Z", "tool.undo"],
  ["Ctrl Shift Z", "tool.redo"],
  ["Enter", "keys.enter"],
  ["Esc", "keys.esc"],
  ["← ↑ → ↓", "keys.arrows"],
  ["Space", "keys.space"],
  ["Tab", "keys.tab"],
  ["Shift ←", "keys.shift_arrows"],
  ["Ins / Del", "keys.insert"],
  ["[ ]", "keys.brush"],
  ["N / Shift N", "keys.next"],
  ["F", "keys.fit"],
  ["+ −", "keys.zoom"],
  ["?", "tool.help"],
];

/** Open the sheet. */
export function help(editor) {
  const rows = [...TOOLS.map(([name, key]) => [key.toUpperCase(), `tool.${name}`]), ...REST];
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
      make(
        "dl",
        { className: "keys" },
        rows.map(([key, text]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, word(text)))),
      ),
      make("p", { className: "check" }, box, make("label", { htmlFor: "letters" }, word("keys.letters"))),
      make("p", { className: "note" }, word("keys.touch")),
    ],
    [],
    { wide: true },
  );
}
