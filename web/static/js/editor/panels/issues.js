/** What is wrong with the draft, and where: a click flies there and shows it on the map. */

import { ask } from "../../api.js";
import { make } from "../../dom.js";
import { coded, count, decimal, known, listed, word } from "../../words.js";
import { mercator } from "../lattice.js";
import { nameOf } from "../figures.js";

/** The list by kind, the graver first. */
export async function show(editor) {
  const { items } = await ask(editor.draft.path("/checks"));
  if (!items.length) return make("div", { className: "empty good" }, make("p", {}, `✓ ${word("issues.none")}`));
  const kinds = new Map();
  for (const item of items) kinds.set(item.kind, [...(kinds.get(item.kind) ?? []), item]);
  return [
    make("p", { className: "sub" }, word("issues.count", { n: items.length })),
    [...kinds].map(([kind, listed], place) =>
      make(
        "details",
        { className: "issue", open: place === 0 || kinds.size < 3 || listed.length < 4 },
        make("summary", {}, make("b", {}, coded("issue", kind)), make("span", { className: "chip watch" }, count(listed.length))),
        known(`issue.${kind}.mend`) && make("p", { className: "sub" }, word(`issue.${kind}.mend`)),
        make(
          "ul",
          {},
          listed.slice(0, 200).map((item, i) => make("li", {}, entry(editor, item, `${kind}${i}`))),
        ),
      ),
    ),
  ];
}

function entry(editor, item, focus) {
  const { grids } = editor.draft.ground;
  const names = (item.grids ?? []).map((id) => grids.get(id)).filter(Boolean).map(({ facts }) => nameOf(facts, editor.draft.communities));
  const size = [
    item.area_m2 != null && item.area_m2 > 0 && word("issues.area", { n: decimal(item.area_m2, item.area_m2 < 10 ? 2 : 0) }),
    item.width_m != null && word("issues.width", { n: decimal(item.width_m, 2) }),
    typeof item.detail === "string" && item.detail,
  ].filter(Boolean);
  const go = () => {
    const faces = (item.grids ?? []).map((id) => grids.get(id)).filter(Boolean);
    editor.select(faces.map(({ id }) => id));
    editor.point(item.geometry, mercator);
    if (item.place) editor.fly(item.place, item.geometry ? 17.5 : 16.5);
    else if (faces.length) editor.fit(faces);
  };
  return make(
    "button",
    { type: "button", className: "line", onclick: go, "data-focus": focus },
    make("span", {}, listed(names) || word("issues.here")),
    make("small", {}, size.join(" · ")),
  );
}
