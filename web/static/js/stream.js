/** The stream of changes: in a shared worker one for all pages of a browser, where there is none, one of the page itself. */

const ADDRESS = "/api/v1/events";
const PATIENCE = 3_000; // a stream ends every ten minutes and comes back within a second: that is no loss
const TRIES = [1_000, 2_000, 5_000, 10_000];
const UNSEEN = 60_000;

/** Opens the stream and keeps it open; `hear` is told {kind: changes | reset | sign | lost | out | barred, number, …}. */
export class Stream {
  constructor(hear) {
    this.hear = hear;
    this.number = null;
    this.source = null;
    this.failures = 0;
    this.lost = false;
  }

  /** Open it, behind what was heard last. */
  open() {
    if (this.source) return;
    clearTimeout(this.again);
    const source = new EventSource(this.number === null ? ADDRESS : `${ADDRESS}?after=${this.number}`);
    this.source = source;
    this.wonder();
    source.addEventListener("open", () => this.sign());
    source.addEventListener("changes", (event) => this.told(event, { kind: "changes", changes: JSON.parse(event.data) }));
    source.addEventListener("reset", (event) => this.told(event, { kind: "reset" }));
    source.addEventListener("beat", (event) => this.told(event, { kind: "sign" }));
    source.addEventListener("end", (event) => this.ended(JSON.parse(event.data).reason));
    source.addEventListener("error", () => this.failed(source));
  }

  close() {
    clearTimeout(this.again);
    clearTimeout(this.doubt);
    this.doubt = null;
    this.source?.close();
    this.source = null;
  }

  told(event, message) {
    this.number = Number(event.lastEventId);
    this.sign();
    if (message.kind !== "sign") this.hear({ ...message, number: this.number });
  }

  sign() {
    clearTimeout(this.doubt);
    this.doubt = null;
    this.failures = 0;
    this.lost = false;
    this.hear({ kind: "sign", number: this.number });
  }

  /** The session of this stream is over; the browser may have another by now, since somebody signed in again. */
  async ended(reason) {
    this.over(reason === "not-permitted" ? "barred" : "out");
    if (reason !== "not-permitted" && (await fetch(`${ADDRESS}?seconds=0`).catch(() => null))?.ok) this.open();
  }

  /** Nothing is heard any more: nobody is signed in, or they may not hear it; signing in again mends only the former. */
  over(kind) {
    this.close();
    this.hear({ kind });
  }

  /** No sign within a few seconds: the line is lost, until there is one. */
  wonder() {
    this.doubt ??= setTimeout(() => {
      this.lost = true;
      this.hear({ kind: "lost" });
    }, PATIENCE);
  }

  /** The browser comes back by itself where the line broke; where the server said no, we ask what it said. */
  async failed(source) {
    this.wonder();
    if (source.readyState !== EventSource.CLOSED || source !== this.source) return;
    this.source = null;
    const answer = await fetch(`${ADDRESS}?seconds=0`).catch(() => null);
    if (answer?.status === 401) return this.over("out");
    if (answer?.status === 403) return this.over("barred");
    this.again = setTimeout(() => this.open(), TRIES[Math.min(this.failures++, TRIES.length - 1)]);
  }
}

/** In a shared worker: each page is a port; all unseen for a minute, the stream rests and goes on where it was. */
function serve() {
  const ports = new Map();
  let rest = null;
  let latest = { kind: "sign", number: null };
  const stream = new Stream((message) => {
    latest = message;
    for (const port of ports.keys()) port.postMessage(message);
  });
  const weigh = () => {
    clearTimeout(rest);
    if ([...ports.values()].some(Boolean)) stream.open();
    else rest = setTimeout(() => stream.close(), UNSEEN);
  };
  self.addEventListener("connect", ({ ports: [port] }) => {
    port.addEventListener("message", ({ data }) => {
      if (data === "bye") ports.delete(port);
      else ports.set(port, data === "seen");
      weigh();
    });
    port.start();
    ports.set(port, true);
    // Somebody signed in again: what was said of the session before does not hold.
    if (latest.kind === "out" || latest.kind === "barred") stream.number = null;
    else if (stream.source && !stream.doubt) port.postMessage(stream.lost ? { kind: "lost" } : { kind: "sign", number: stream.number });
    weigh();
  });
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) serve();
