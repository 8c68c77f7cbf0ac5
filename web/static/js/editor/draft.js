/** The plan at hand: asks the server before anything changes, patches what did, and hears of what others do. */

import { Problem, ask, tell } from "../api.js";
import { Before } from "./before.js";
import { Ground } from "./ground.js";

/** An id no other client makes; plain http has no randomUUID. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The grids an operation names: what its answer depends on. */
export function namedBy(operation) {
  const { grid, grids, to, take_from: from, between } = operation;
  const listed = [grid, to, ...(from ?? []), ...(grids ?? []), ...(between ?? [])];
  return [...new Set(listed.filter((id) => typeof id === "number"))];
}

const ASKED_AT_ONCE = 500;
const PAGE = 500; // rows of the log an answer holds

/** One plan, its ground and the change that waits for a yes. Listeners are told by kind: plan, ground, pending, comments, people. */
export class Draft {
  constructor(id) {
    this.id = id;
    this.me = null;
    this.plan = null;
    this.ground = null;
    this.communities = new Map();
    this.pending = null;
    this.own = new Set();
    this.listeners = new Map();
    this.queue = Promise.resolve();
    this.asked = 0;
    this.answered = 0;
  }

  on(kind, listen) {
    if (!this.listeners.has(kind)) this.listeners.set(kind, new Set());
    this.listeners.get(kind).add(listen);
  }

  tell(kind, detail) {
    for (const listen of this.listeners.get(kind) ?? []) listen(detail);
  }

  path(rest = "") {
    return `/plans/${this.id}${rest}`;
  }

  may(what) {
    return Boolean(this.plan?.may.includes(what));
  }

  /** The plan and its whole ground. */
  async load() {
    const [, answer] = await Promise.all([this.askPlan(), ask(this.path("/ground"))]);
    this.take(answer);
  }

  take(answer) {
    this.ground = new Ground(answer);
    this.before = new Before(this);
    this.communities = new Map();
    this.meet(answer.communities);
    this.revision = answer.revision;
  }

  /** Communities as they are now; one that the plan makes has no code yet and is asked for by its number. */
  meet(communities = []) {
    for (const each of communities) {
      const known = this.communities.get(each.id);
      if (each.ended) this.communities.delete(each.id);
      else this.communities.set(each.id, { ...known, ...each, code: each.code ?? known?.code ?? `#${each.id}` });
    }
  }

  /** Of answers that overtake each other the one asked for last is the plan. */
  async askPlan() {
    const number = ++this.asked;
    const plan = await ask(this.path());
    if (number < this.answered) return;
    this.answered = number;
    this.plan = plan;
  }

  async reloadPlan() {
    await this.askPlan();
    this.tell("plan");
  }

  /** The whole ground again: after a change too large to patch, or after a lost connection. */
  async reload() {
    const [, answer] = await Promise.all([this.askPlan(), ask(this.path("/ground"))]);
    this.take(answer);
    this.tell("ground", { all: true });
    this.tell("plan");
    await this.compare();
  }

  /** Today's ground under what the draft had drawn before this page opened it. */
  async compare() {
    await this.before.load();
    if (this.plan.revision) this.tell("before");
  }

  community(code) {
    return [...this.communities.values()].find((each) => each.code === code) ?? null;
  }

  gridsOf(communityId) {
    return [...this.ground.grids.values()].filter(({ facts }) => facts.community_id === communityId);
  }

  base(operation, answer) {
    const ids = new Set(namedBy(operation));
    for (const grid of answer?.changed ?? []) if (!grid.noded_only) ids.add(grid.id);
    const known = [...ids].filter((id) => this.ground.grids.has(id));
    return Object.fromEntries(known.map((id) => [id, this.ground.grids.get(id).facts.version]));
  }

  /** Ask what an operation would do; the newest question wins. */
  async offer(operation, { quiet = false } = {}) {
    const pending = { operation, state: "asking", answer: null, problem: null };
    this.pending = pending;
    if (!quiet) this.tell("pending");
    try {
      pending.answer = await this.send(operation, { dry: true });
      pending.state = "ready";
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      pending.problem = problem;
      pending.state = problem.code === "stale-version" ? "conflict" : "refused";
      if (pending.state === "conflict") this.rebase(problem);
    }
    if (this.pending === pending) this.tell("pending");
    return pending;
  }

  /** Do what is pending. On a conflict the ground is brought up to date and the change stays pending, to be tried again. */
  async accept() {
    const { pending } = this;
    if (pending?.state !== "ready") return null;
    pending.state = "sending";
    this.tell("pending");
    try {
      const answer = await this.send(pending.operation, { seen: pending.answer });
      this.pending = null;
      this.apply(answer);
      this.tell("pending");
      return answer;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      pending.problem = problem;
      pending.state = problem.code === "stale-version" ? "conflict" : problem.status === 0 ? "lost" : "refused";
      if (pending.state === "conflict") this.rebase(problem);
      this.tell("pending");
      return null;
    }
  }

  /** The pending change once more, on the ground as it is now. */
  retry() {
    return this.pending && this.offer(this.pending.operation);
  }

  cancel() {
    if (!this.pending) return false;
    this.pending = null;
    this.tell("pending");
    return true;
  }

  /** One request after the other, so that versions are always those of the last answer. */
  send(operation, { dry = false, seen = null } = {}) {
    const run = () => {
      if (operation.kind === "import") return tell(this.path(`/import${dry ? "?dry_run=true" : ""}`), operation.file);
      const client = newId();
      if (!dry) this.own.add(client);
      const body = { client_id: client, base: this.base(operation, seen), operation };
      return tell(this.path(`/operations${dry ? "?dry_run=true" : ""}`), body);
    };
    const sent = this.queue.then(run, run);
    this.queue = sent.catch(() => null);
    return sent;
  }

  undo() {
    return this.step("/undo");
  }

  redo() {
    return this.step("/redo");
  }

  async step(path) {
    this.cancel();
    const run = () => {
      const client = newId();
      this.own.add(client);
      return tell(this.path(path), { client_id: client });
    };
    const sent = this.queue.then(run, run);
    this.queue = sent.catch(() => null);
    const answer = await sent;
    this.apply(answer);
    return answer;
  }

  /** Patch the ground with what an answer changed; where that says too little, ask for all of it. */
  apply(answer) {
    const { changed = [], ended = [], around = [], origin } = answer;
    this.meet(answer.communities);
    if (changed.some(({ community_id: id }) => !this.communities.has(id))) {
      this.reload().catch(() => null);
      return;
    }
    this.before.keep([...ended, ...changed.map(({ id }) => id)]);
    this.ground.drop(ended);
    this.ground.put(changed, origin);
    this.ground.beside(around, origin);
    this.revision = Math.max(this.revision, answer.revision ?? 0);
    this.tell("ground", { changed: changed.filter((each) => !each.noded_only).map(({ id }) => id), ended, by: answer.by ?? null });
    this.reloadPlan().catch(() => null);
  }

  rebase({ facts }) {
    if (facts.changed) this.apply({ changed: facts.changed, ended: facts.ended ?? [], origin: facts.origin, by: facts.by ?? null });
    else this.reload().catch(() => null);
  }

  /** Follow the plan's events; others' operations patch the ground as they happen. */
  follow(said) {
    const source = new EventSource(`/api/v1${this.path("/events")}`);
    source.addEventListener("open", () => said("open"));
    source.addEventListener("error", () => said("lost"));
    source.addEventListener("operation", (event) => this.heard(JSON.parse(event.data)));
    source.addEventListener("plan", () => this.reloadPlan().catch(() => null));
    source.addEventListener("locks", (event) => this.locked(JSON.parse(event.data).grids));
    source.addEventListener("comment", () => this.tell("comments"));
    source.addEventListener("people", (event) => this.tell("people", JSON.parse(event.data).people));
    return () => source.close();
  }

  locked(ids) {
    const held = new Set(ids);
    for (const [id, { facts }] of this.ground.grids) facts.locked = held.has(id);
    this.tell("locks");
  }

  async heard({ seq, client_id: client, changed = [], ended = [], person }) {
    if (this.own.has(client) || seq <= this.revision) return;
    const ids = [...changed, ...ended];
    if (ids.length === 0 || ids.length > ASKED_AT_ONCE) return this.reload();
    const answer = await ask(this.path("/ground"), { grids: ids.join(",") });
    const there = new Set(answer.grids.map(({ id }) => id));
    const gone = ids.filter((id) => !there.has(id));
    this.apply({ ...answer, changed: answer.grids, ended: gone, by: person });
  }

  /** Count the incidents on a changed grid, which operations do not tell; whether they are known now. */
  async countIncidents({ id, facts }) {
    const { grids } = await ask(this.path("/ground"), { grids: String(id) });
    const { open_incidents, year_incidents } = grids[0] ?? {};
    Object.assign(facts, { open_incidents, year_incidents });
    return open_incidents != null;
  }

  /** The whole log, the oldest first; it comes in pages. */
  async log() {
    const items = [];
    for (;;) {
      const page = await ask(this.path("/operations"), { after: items.at(-1)?.seq ?? 0 });
      items.push(...page.items);
      if (page.items.length < PAGE) return items;
    }
  }
}
