/** Brings what a page shows to one moment after a change, and shows it at once: no panel runs ahead of another. */

const QUIET = 250;
const SHARE = 3; // a page asks no more than a third of the time, however much changes
const LONGEST = 10_000;

/** Parts join with `prepare(news)`: a promise of what puts the new state on the page, or of nothing. */
export class Together {
  constructor() {
    this.parts = [];
    this.news = null;
    this.running = null;
    this.failures = 0;
  }

  /** Join for some layers (none named: all); `prepare` gets {layers, cells, changes, whole}. */
  join(layers, prepare) {
    this.parts.push({ layers, prepare });
  }

  /** What has changed; shown as soon as what it touches has been asked for. A change that names no `cell` at all is on no map. */
  changed(changes) {
    const news = (this.news ??= { changes: [], whole: false });
    news.changes.push(...changes);
    return this.run();
  }

  /** Everything may have changed. */
  renew() {
    this.news = { changes: [], whole: true };
    return this.run();
  }

  run() {
    this.running ??= this.turn().finally(() => {
      this.running = null;
      if (this.news) this.run();
    });
    return this.running;
  }

  async turn() {
    const { changes, whole } = this.news;
    this.news = null;
    const layers = new Set(changes.map(({ layer }) => layer));
    const began = performance.now();
    const wanted = this.parts.filter((part) => whole || !part.layers.length || part.layers.some((each) => layers.has(each)));
    const news = { changes, layers, whole, touched: touched(changes, whole) };
    const ready = await Promise.allSettled(wanted.map(({ prepare }) => prepare(news)));
    for (const { value: show } of ready) show?.();
    document.dispatchEvent(new CustomEvent("brought", { detail: news }));
    this.failures = ready.some(({ status }) => status === "rejected") ? this.failures + 1 : 0;
    // What failed is asked for again, with whatever has changed by then.
    if (this.failures) this.news = { changes: [...changes, ...(this.news?.changes ?? [])], whole: whole || Boolean(this.news?.whole) };
    const took = performance.now() - began;
    await rest(Math.min(LONGEST, Math.max(QUIET, took * (SHARE - 1), this.failures && 1000 * 2 ** this.failures)));
  }
}

const rest = (time) => new Promise((done) => setTimeout(done, time));

/** Whether changes of a layer may show on tile z/x/y: by the cells of zoom 14 they lie in; without a cell, anywhere. */
function touched(changes, whole) {
  return (layers) => {
    const found = changes.filter(({ layer, cell }) => layers.includes(layer) && cell !== undefined);
    if (whole || found.some(({ cell }) => cell === null)) return () => true;
    const places = [...new Set(found.map(({ cell }) => cell))].map(place);
    return (z, x, y) => {
      const [up, down] = [Math.max(0, 14 - z), Math.max(0, z - 14)];
      return places.some(([column, row]) => column >> up === x >> down && row >> up === y >> down);
    };
  };
}

/** Column and row of a Morton number. */
function place(cell) {
  let [x, y] = [0, 0];
  for (let bit = 0; bit < 14; bit++) {
    x |= ((cell >> (2 * bit)) & 1) << bit;
    y |= ((cell >> (2 * bit + 1)) & 1) << bit;
  }
  return [x, y];
}
