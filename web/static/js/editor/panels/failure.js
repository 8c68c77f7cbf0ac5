/** Why the last try to publish was refused: every grid, community or place that stands in the way, each with a way there. */

import { make } from "../../dom.js";
import { dayTime, known, named, word } from "../../words.js";
import { nameOf } from "../figures.js";
import { told } from "../refusals.js";

/** The refusal and its places; null where none is kept. */
export function show(editor) {
  const { failure } = editor.draft.plan;
  if (!failure) return null;
  const places = placesOf(failure.facts ?? {}, editor);
  return make(
    "section",
    { className: "failure", "aria-label": word("failure.title") },
    make("p", { className: "refusal" }, `▲ ${word("failure.title")} `, failure.at && make("small", {}, dayTime(failure.at))),
    make("p", {}, sentence(failure)),
    places.length > 0 && make("ul", { className: "lines" }, places.map((each, i) => make("li", {}, entry(editor, each, `failure${i}`)))),
    places.length > 0 && known(`failure.${failure.code}.next`) && make("p", { className: "sub" }, word(`failure.${failure.code}.next`)),
  );
}

function sentence({ code, facts = {}, message = "" }) {
  if (known(`failure.${facts.reason ?? code}`)) return word(`failure.${facts.reason ?? code}`);
  return told({ code, facts, message });
}

/** What stands in the way: {label, what, faces, place}; `faces` are grids the draft still has. */
function placesOf({ grids = [], areas = [], area = null, place = null }, { draft }) {
  const faces = (ids) => ids.map((id) => draft.ground.grids.get(id)).filter(Boolean);
  return [
    ...areas.map((each) => ({ label: named(each), what: ofArea(each), faces: draft.gridsOf(each.id), place: each.place })),
    ...grids.map((each) => (typeof each === "object" ? ofGrid(each, faces([each.id]), draft) : ofNumber(each, faces([each]), draft))),
    ...[...draft.communities.values()].filter(({ code }) => area !== null && code === area).map((each) => ({ label: named(each), faces: draft.gridsOf(each.id) })),
    ...(place ? [{ label: word("failure.here"), place }] : []),
  ];
}

function ofArea(area) {
  if (area.ended) return word("failure.ended");
  return area.wanted ? word("failure.named", { was: area.was, wanted: area.wanted, name: named(area) }) : word("failure.changed");
}

function ofGrid({ id, code, ended, place, ...names }, faces, { communities }) {
  const label = faces.length ? nameOf(faces[0].facts, communities) : named(names) || code || String(id);
  return { label, what: word(ended ? "failure.ended" : "failure.changed"), faces, place };
}

const ofNumber = (id, faces, { communities }) => ({ label: faces.length ? nameOf(faces[0].facts, communities) : String(id), faces });

function entry(editor, { label, what = "", faces = [], place }, focus) {
  const content = [make("span", {}, label), what && make("small", {}, what)];
  if (!faces.length && !place) return make("span", { className: "line" }, content);
  const go = () => {
    editor.select(faces.map(({ id }) => id));
    if (faces.length) editor.fit(faces, { maxZoom: 17 });
    else editor.fly(place, 16.5);
  };
  return make("button", { type: "button", className: "line", onclick: go, "data-focus": focus }, content);
}
