/** Down by click, up by Esc: district, street, community, grid, building; the breadcrumb says where one is. */

import { ask } from "./api.js";
import { make, put } from "./dom.js";
import { say } from "./notices.js";
import { change, onChange, state } from "./state.js";
import { named, namedIn, word } from "./words.js";

const HOUSE_ZOOM = 17;
const NOWHERE = [400, 403, 404, 422];
const AGAIN_MS = 3_000;

/** Follow the state's area and grid; offers `district.drill` with into, up, here and home. */
export async function follow(district, nav) {
  const { deployment } = district;
  const trail = { areas: [], grid: null, building: null };
  const root = {
    code: deployment.root,
    level: district.rootLevel ?? "district",
    name: deployment.name,
    name_en: deployment.name_en,
    bbox: deployment.bounds,
  };
  trail.areas = [root];
  district.trail = trail;

  let settling = false;
  let arriving = Promise.resolve();

  async function arrive({ area, grid, building, at }, why) {
    const [chain, patch, home] = await Promise.all([chainOf(area, root), grid ? gridOf(grid) : null, building ? buildingOf(building) : null]);
    // A grid is always shown inside its own community, wherever the way to it began.
    if (patch?.community_code && patch.community_code !== area && patch.community_code !== root.code) {
      settling = true;
      change({ area: patch.community_code, incident: state().incident });
      settling = false;
      return arrive({ ...state(), at }, why);
    }
    // And a building inside its own grid.
    if (home?.grid && String(home.grid.id) !== grid && state().building === building) {
      settling = true;
      change({ grid: String(home.grid.id), incident: state().incident });
      settling = false;
      return arrive({ ...state(), at }, why);
    }
    const now = state();
    if (now.area !== area || now.grid !== grid) return;
    trail.areas = chain;
    trail.grid = patch;
    trail.building = home;
    const last = chain.at(-1);
    district.focus = {
      level: patch ? "grid" : last.level,
      code: area ? last.code : "",
      grid: patch?.id ?? null,
      building: Number(building) || null,
    };
    district.ground.refocus();
    district.labels.redraw();
    crumbs(nav, trail, deployment);
    const stood = district.near(at);
    if (why === "step" && (home || patch)) uncover();
    if (why === "back" && stood) district.stand(at);
    // Whoever stepped to a place of their own is on the way there already.
    else if (!stood && (why === "start" ? home || patch || area : why !== "change")) aim(home, patch ?? last, why !== "start");
    document.dispatchEvent(new CustomEvent("trail", { detail: trail }));
  }

  function aim(home, around, animate) {
    if (home?.center) district.fly(home.center, HOUSE_ZOOM, { animate });
    else district.fit(around.bbox, { animate, maxZoom: around === trail.grid ? 17.5 : 17 });
  }

  /** On a phone one chooses from a list below the map: what is chosen is shown on it. */
  function uncover() {
    if (window.innerWidth <= 900) window.scrollTo({ top: 0 });
  }

  function travel(why, asked = state()) {
    arriving = arrive(asked, why).catch((problem) => lost(problem, asked, why));
    return arriving;
  }

  /** What is not there is left, and the page says so; what did not arrive is asked for again, and the address stays. */
  function lost(problem, asked, why) {
    if (problem.status === 401) return;
    if (problem.status === undefined || NOWHERE.includes(problem.status)) {
      say(word("error.not_found"));
      return change({ area: "", grid: "", building: "" });
    }
    const still = () => ["area", "grid", "building"].every((key) => state()[key] === asked[key]);
    setTimeout(() => still() && travel(why, { ...state(), at: asked.at }), AGAIN_MS);
  }

  onChange((now, before, why) => {
    if (settling) return;
    if (now.area !== before.area || now.grid !== before.grid || now.building !== before.building || why === "back")
      travel(why);
  });
  district.drill = {
    into: (found) => arriving.then(() => into(trail, found)),
    here: () => arriving.then(() => trail.areas.at(-1)),
    up: () => arriving.then(() => up(trail)),
    home: () => district.fit(root.bbox),
  };
  await travel("start");
}

async function chainOf(code, root) {
  if (!code || code === root.code) return [root];
  const area = await ask(`/areas/${encodeURIComponent(code)}`);
  const above = (area.ancestors ?? []).filter((each) => each.level !== "district");
  return [root, ...above, area];
}

const buildingOf = (id) => ask(`/buildings/${encodeURIComponent(id)}`);
const gridOf = (id) => ask(`/grids/${encodeURIComponent(id)}`);

/** One level deeper at a place: the first level where the place leaves the present trail. */
export function into(trail, { street, community, grid, building }) {
  const at = (level) => trail.areas.find((area) => area.level === level)?.code;
  if (street && at("street") !== street.code && !trail.areas.some(({ level }) => level === "community")) return go({ area: street.code });
  if (community && at("community") !== community.code) return go({ area: community.code });
  if (grid && trail.grid?.id !== grid.id) return go({ grid: String(grid.id) });
  // Tiles from afar do not say in which grid a building is counted; the building itself does.
  if (building) return go({ grid: String(building.grid_id ?? ""), building: String(building.id) });
  return false;
}

function go(part) {
  change({ grid: "", building: "", household: "", at: null, ...part }, { step: true });
  return true;
}

function up(trail) {
  const { area, grid, building, household, incident } = state();
  if (household) return change({ household: "" }, { step: true });
  if (incident) return change({ incident: "" }, { step: true });
  if (building) return change({ building: "", at: null }, { step: true });
  if (grid) return go({});
  if (!area) return false;
  const above = trail.areas.at(-2);
  return go({ area: trail.areas.length > 2 ? above.code : "" });
}

function crumbs(nav, trail, deployment) {
  const steps = trail.areas.map((area, rank) => ({ text: named(area), part: { area: rank ? area.code : "" } }));
  if (trail.grid) steps.push({ text: namedIn(trail.grid, trail.areas.at(-1)), part: { grid: String(trail.grid.id) } });
  if (trail.building) steps.push({ text: trail.building.name || trail.building.address || trail.building.code, part: {} });
  put(
    nav,
    steps.map(({ text, part }, rank) =>
      rank === steps.length - 1
        ? make("span", { className: "crumb", "aria-current": "location", title: text }, text)
        : make("button", { className: "crumb", type: "button", title: word("crumb.up", { name: text }), onclick: () => go(part) }, text),
    ),
  );
  nav.scrollLeft = nav.scrollWidth;
  document.title = `${steps.at(-1).text} · ${named(deployment)} · ${word("title")}`;
}
