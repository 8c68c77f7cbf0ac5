/** The tools, their keys, and the column of buttons at the left. */

import { icon } from "../icons.js";
import { make, put } from "../dom.js";
import { roving } from "../focus.js";
import { word } from "../words.js";
import { Balance, Comment, Lock, Merge, Select, Straighten } from "./tools/select.js";
import { Measure, Redraw, Split, Trace } from "./tools/sketch.js";
import { Paint } from "./tools/paint.js";
import { Vertices } from "./tools/vertices.js";

/** name, key, class, and whether it changes the ground. */
export const TOOLS = [
  ["select", "v", Select, false],
  ["paint", "b", Paint, true],
  ["redraw", "r", Redraw, true],
  ["trace", "t", Trace, true],
  ["split", "s", Split, true],
  ["merge", "m", Merge, true],
  ["vertices", "e", Vertices, true],
  ["straighten", "g", Straighten, true],
  ["balance", "q", Balance, true],
  ["lock", "l", Lock, true],
  ["measure", "d", Measure, false],
  ["comment", "c", Comment, false],
];
const GROUPS = [["select"], ["paint", "redraw", "trace", "split", "merge", "vertices", "straighten"], ["balance", "propose", "lock"], ["measure", "comment"], ["undo", "redo", "help"]];

/** Every tool, made for an editor. */
export const made = (editor) => new Map(TOOLS.map(([name, , kind]) => [name, new kind(editor)]));

/** Draw the column; `acts` are the buttons that are not tools: {propose, undo, redo, help}. Returns what brings it up to date. */
export function show(host, editor, acts) {
  const keyOf = new Map([...TOOLS.map(([name, key]) => [name, key.toUpperCase()]), ["propose", "P"], ["undo", "Ctrl+Z"], ["redo", "Ctrl+Shift+Z"], ["help", "?"]]);
  const writes = new Map(TOOLS.map(([name, , , changes]) => [name, changes]));
  const one = (name) => {
    const text = word(`tool.${name}`);
    const tool = writes.has(name);
    return make(
      "button",
      {
        type: "button",
        className: "tool",
        "data-tool": name,
        title: `${text} · ${keyOf.get(name)}`,
        "aria-label": text,
        "aria-keyshortcuts": keyOf.get(name).replace("Ctrl", "Control"),
        "aria-pressed": tool ? "false" : undefined,
        tabIndex: -1,
        onclick: () => (tool ? editor.use(name) : acts[name]()),
      },
      icon(name),
    );
  };
  put(
    host,
    GROUPS.map((names) => make("div", { className: "group" }, names.map(one))),
  );
  const buttons = [...host.querySelectorAll("button")];
  const settle = roving(host);
  return () => {
    for (const button of buttons) {
      const { tool: name } = button.dataset;
      if (writes.has(name)) button.setAttribute("aria-pressed", String(editor.tool === name));
      const closed = (writes.get(name) || ["propose", "undo", "redo"].includes(name)) && !editor.draft.may("edit");
      const idle = (name === "undo" && !editor.draft.plan?.can_undo) || (name === "redo" && !editor.draft.plan?.can_redo);
      button.disabled = Boolean(closed || idle || (name === "comment" && !editor.draft.may("comment")));
    }
    settle();
  };
}
