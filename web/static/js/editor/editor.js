/** The boundary editor: one plan, one map, one tool in hand; what it changes the server has agreed to. */

import { Problem, ask, tell } from "../api.js";
import { make, put } from "../dom.js";
import { icon } from "../icons.js";
import { notice, say, whisper } from "../notices.js";
import { colour } from "../palette.js";
import { change, onChange, state } from "../state.js";
import { word } from "../words.js";
import { Atoms } from "./atoms.js";
import { renew } from "./compare.js";
import { connected } from "./connection.js";
import * as header from "./header.js";
import * as key from "./key.js";
import { degrees, mercator } from "./lattice.js";
import * as panels from "./panels.js";
import * as pendingBar from "./pending.js";
import { keys, listen } from "./pointer.js";
import { propose } from "./propose.js";
import { told } from "./refusals.js";
import { linesOf } from "./shapes.js";
import { help } from "./shortcuts.js";
import { Snapper } from "./snapping.js";
import { Stage } from "./stage.js";
import * as toolbox from "./toolbox.js";

const at = (id) => document.querySelector(`#${id}`);

const MARGIN_PX = 24;
const TOP_PX = 72; // the strip of the tool lies over the map's top

/** Who came by the keyboard from a button beside the map answers at once: the yes has the focus. */
function answerable() {
  const from = document.activeElement?.closest?.("#panel, #toolbox, #options");
  if (from && document.activeElement.matches("button")) at("pending").querySelector(".primary")?.focus();
}

export class Editor {
  constructor(district, draft, me) {
    this.district = district;
    this.map = district.map;
    this.me = draft.me = me;
    this.draft = draft;
    this.stage = new Stage(district, this.draft);
    this.snap = new Snapper(this.draft, this.map);
    this.atoms = new Atoms(this.draft);
    this.tools = toolbox.made(this);
    this.letters = localStorage.getItem("wangge_letters") !== "off";
    this.touched = false;
    this.lined = new Set();
    this.pins = [];
    this.shown = null; // the shape of an issue, as lines of places
  }

  get hand() {
    return this.tools.get(this.tool);
  }

  /** Begin on a draft that has come. */
  open() {
    const { draft } = this;
    const { at: view, tool, community } = state();
    if (!view) this.fit(community ? draft.gridsOf(draft.community(community)?.id) : undefined, { animate: false });
    this.tool = this.tools.has(tool) && (draft.may("edit") || tool === "measure") ? tool : "select";
    this.follow();
    header.show(this);
    this.panels = panels.show(at("panel"), this);
    this.refreshTools = toolbox.show(at("toolbox"), this, {
      propose: () => propose(this),
      undo: () => this.undo(),
      redo: () => this.redo(),
      help: () => help(this),
    });
    key.show(at("key"), this);
    listen(this);
    keys(this, this.shortcuts());
    this.use(this.tool);
    this.stage.ink = { draw: (...given) => this.ink(...given) };
    this.stage.redraw();
    this.lines();
    draft.compare().catch(() => null);
  }

  /** What changes elsewhere changes here. */
  follow() {
    const { draft } = this;
    draft.on("ground", ({ changed = [], by = null }) => {
      this.stage.figures = new Map();
      this.stage.selected = new Set([...this.stage.selected].filter((id) => draft.ground.grids.has(id)));
      this.hand.settled();
      renew(this);
      this.stage.redraw();
      if (by && changed.length) this.say(word("editor.changed_by", { name: by.name, n: changed.length }));
    });
    draft.on("locks", () => this.stage.redraw());
    draft.on("before", () => {
      renew(this);
      this.stage.redraw();
    });
    draft.on("plan", () => {
      this.refreshTools();
      header.show(this);
    });
    draft.on("pending", () => {
      pendingBar.show(at("pending"), this);
      this.stage.redraw();
      if (draft.pending?.state === "ready") this.uncover();
      answerable();
    });
    draft.on("people", header.present);
    onChange((now, before, why) => {
      if (why !== "back") return;
      if (now.tool !== before.tool && this.tools.has(now.tool)) this.use(now.tool);
      this.panels.follow(now);
    });
    this.map.on("moveend", () => {
      const { lng, lat } = this.map.getCenter();
      change({ at: [lng.toFixed(6), lat.toFixed(6), this.map.getZoom().toFixed(2)].map(Number) });
      this.lines();
    });
    connected(this);
  }

  /** Move the map where the bar of the pending change would hide what it is about. */
  uncover() {
    const bar = at("pending").getBoundingClientRect();
    const view = this.map.getContainer().getBoundingClientRect();
    const [west, north, east, south] = this.draft.ground.boxOf(this.stage.moving());
    if (!Number.isFinite(west)) return;
    const place = ([lng, lat]) => this.map.latLngToContainerPoint([lat, lng]);
    const [top, bottom] = [place(degrees([west, north])), place(degrees([east, south]))];
    const hidden = bottom.y + MARGIN_PX - (bar.top - view.top);
    const beside = bottom.x < bar.left - view.left || top.x > bar.right - view.left;
    if (beside || hidden <= 0) return;
    if (hidden <= top.y - TOP_PX) this.map.panBy([0, hidden], { animate: false });
    else {
      const [[left, upper], [right, lower]] = [degrees([west, north]), degrees([east, south])];
      this.district.fit([left, lower, right, upper], { maxZoom: this.map.getZoom(), animate: false });
    }
  }

  /** Take a tool in hand. */
  use(name) {
    if (this.tool !== name) this.hand?.stop();
    this.draft.cancel();
    this.tool = name;
    this.stage.hovered = null;
    change({ tool: name });
    this.map.getContainer().dataset.tool = name;
    this.refreshTools();
    this.hand.start();
    this.showOptions();
    this.stage.redrawOver();
  }

  /** Whether the tool in hand may act at all. */
  draws() {
    return this.draft.may("edit") || ["select", "measure", "comment"].includes(this.tool);
  }

  showOptions() {
    const host = at("options");
    const own = this.hand.options();
    put(host, icon(this.tool), make("b", {}, word(`tool.${this.tool}`)), make("span", { className: "hint" }, word(`tool.${this.tool}.hint`)), own);
    host.hidden = false;
  }

  offer(operation) {
    return this.draft.offer(operation);
  }

  accept() {
    if (this.draft.pending?.state === "conflict") this.draft.retry();
    else if (this.draft.pending?.state !== "ready") return false;
    else
      this.draft.accept().then((answer) => {
        if (!answer) return;
        this.hand.settled();
        whisper(word("editor.done", { n: answer.seq }));
        this.map.getContainer().focus({ preventScroll: true });
      });
    return true;
  }

  /** Esc: the pending change, then what the tool has begun, then the selection, then the tool. */
  back() {
    if (this.shown) this.point(null);
    const pending = this.draft.cancel();
    const begun = this.hand.cancel();
    if (pending || begun) return true;
    if (this.stage.selected.size) this.select([]);
    else if (this.tool !== "select") this.use("select");
    else return false;
    return true;
  }

  async undo() {
    await this.attempt(() => this.draft.undo());
  }

  async redo() {
    await this.attempt(() => this.draft.redo());
  }

  async attempt(work) {
    try {
      return await work();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.refuse(problem);
      return null;
    }
  }

  refuse(problem) {
    notice("refused", `▲ ${told(problem)}`);
  }

  select(ids, { keep = false } = {}) {
    this.stage.select(ids.filter((id) => id !== undefined && id !== null));
    const face = this.draft.ground.grids.get(ids[0]);
    if (face) this.atHand(face.facts.community_id);
    this.panels.selected();
    if (!keep) this.hand.refresh();
  }

  toggle(id) {
    if (!id) return;
    const chosen = new Set(this.stage.selected);
    if (chosen.has(id)) chosen.delete(id);
    else chosen.add(id);
    this.select([...chosen]);
  }

  hover(id) {
    if (this.stage.hovered === id) return;
    this.stage.hovered = id;
    this.stage.redrawOver();
  }

  /** The community at hand: its atoms and lines are the ones asked for. */
  community() {
    const { community } = state();
    return this.draft.community(community) ?? (this.draft.communities.size === 1 ? [...this.draft.communities.values()][0] : null);
  }

  /** Another community at hand, chosen in the head of the page. */
  go(code) {
    change({ community: code });
    const community = this.draft.community(code);
    this.fit(community ? this.draft.gridsOf(community.id) : undefined);
    this.hand.warm?.();
  }

  atHand(id) {
    const code = this.draft.communities.get(id)?.code;
    if (code && code !== state().community) change({ community: code });
    this.lines();
  }

  /** Roads and water to snap to, for the community at hand, once it is near enough to draw. */
  lines() {
    const community = this.community();
    if (!community || this.lined.has(community.code) || this.map.getZoom() < 14) return;
    this.lined.add(community.code);
    ask(this.draft.path("/lines"), { community: community.code }).then(
      ({ lines }) => this.snap.add(lines),
      () => this.lined.delete(community.code),
    );
  }

  async lock(face, locked) {
    const done = await this.attempt(() => tell(this.draft.path(`/locks/${face.id}`), undefined, locked ? "PUT" : "DELETE").then(() => true));
    if (!done) return;
    face.facts.locked = locked;
    this.draft.tell("locks");
    whisper(word(locked ? "editor.locked" : "editor.unlocked"));
  }

  comment(about) {
    this.panels.write(about);
  }

  fit(faces, options = {}) {
    const [west, north, east, south] = this.draft.ground.boxOf(faces?.length ? faces : undefined);
    const [left, top] = degrees([west, north]);
    const [right, bottom] = degrees([east, south]);
    this.panels?.fold();
    if (Number.isFinite(left)) this.district.fit([left, bottom, right, top], { maxZoom: 18, ...options });
  }

  fly(place, zoom = 17) {
    this.panels?.fold();
    this.district.fly(place, zoom);
  }

  /** Bring a place of the Mercator square into view without zooming. */
  reveal(place) {
    const [lng, lat] = degrees(place);
    this.map.panInside({ lat, lng }, { padding: [80, 80], animate: false });
  }

  /** Show a GeoJSON geometry on the map until the next click. */
  point(geometry) {
    this.shown = geometry ? linesOf(geometry).map((line) => line.map(mercator)) : null;
    this.stage.redrawOver();
  }

  pixels(n) {
    return n / (256 * 2 ** this.map.getZoom());
  }

  tint(name) {
    return colour(name);
  }

  pointed(touch) {
    this.touched = touch;
    if (this.crossed) this.crosshair(false);
  }

  crosshair(on) {
    this.crossed = on;
    this.stage.redrawOver();
  }

  atCrosshair(add) {
    if (!this.draws()) return false;
    this.crosshair(true);
    const point = this.map.getSize().divideBy(2);
    const { lng, lat } = this.map.containerPointToLatLng(point);
    this.hand.click({ at: mercator([lng, lat]), point, touch: false, add });
    return true;
  }

  ink(context, frame, stage) {
    this.hand.draw(context, frame, stage);
    if (this.shown) stage.show(context, frame, this.shown);
    if (this.pins.length) stage.pins(context, frame, this.pins);
    if (this.crossed) stage.crosshair(context, this.map.getSize().divideBy(2).subtract(frame.shift));
  }

  say(text) {
    say(text);
  }

  shortcuts() {
    const use = (name) => () => !this.refuses(name) && this.use(name);
    return {
      ...Object.fromEntries(toolbox.TOOLS.map(([name, letter]) => [letter, use(name)])),
      p: () => this.draft.may("edit") && propose(this),
      f: () => this.fit(),
      n: (event) => this.next(event.shiftKey ? -1 : 1),
      "?": () => help(this),
    };
  }

  refuses(name) {
    return at("toolbox").querySelector(`[data-tool=${name}]`)?.disabled;
  }

  /** Select the next grid in the order of codes. */
  next(by) {
    const community = this.community();
    const grids = (community ? this.draft.gridsOf(community.id) : [...this.draft.ground.grids.values()]).sort((a, b) =>
      String(a.facts.code ?? a.id).localeCompare(String(b.facts.code ?? b.id)),
    );
    if (!grids.length) return;
    const now = grids.findIndex(({ id }) => this.stage.selected.has(id));
    const face = grids[(now + by + grids.length) % grids.length];
    this.select([face.id]);
    this.reveal(this.draft.ground.labelOf(face));
  }
}
