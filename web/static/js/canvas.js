/** Canvas layers for Leaflet: tiles that repaint without fetching, and sheets that cover the whole view. */

import { TILE } from "./tiles.js";

const L = window.L;
const SEAM = 1; // device rounding opens hairlines between scaled tiles; one shared pixel closes them

/**
 * What is painted here is handed over to a canvas as a picture. A canvas that is painted on itself is copied whenever anything on the page
 * changes, and the map has dozens of screens' worth of them (decision 50).
 */
class Pad {
  constructor({ opaque = false } = {}) {
    this.kind = { alpha: !opaque };
    this.context = new OffscreenCanvas(1, 1).getContext("2d", this.kind);
  }

  /** A wiped context of so many pixels. */
  wiped(width, height) {
    const { canvas } = this.context;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    else this.context.reset();
    return this.context;
  }

  /** Show what was painted on a canvas, stretched to the size its style gives it. */
  show(canvas) {
    canvas.getContext("bitmaprenderer", this.kind).transferFromImageBitmap(this.context.canvas.transferToImageBitmap());
  }

  /** Show nothing on a canvas. */
  blank(canvas) {
    canvas.getContext("bitmaprenderer", this.kind).transferFromImageBitmap(null);
  }
}

/** Which zoom's tiles a view uses: rather the larger tiles than four times as many. */
const tileZoomOf = (zoom) => Math.floor(zoom + 0.2);

/**
 * A grid of 512-pixel canvases painted from one tile source: paint(context, tile, {scale, zoom, coords}). `share` is how many of the
 * screen's pixels a side they have: areas need fewer than lines. What is `opaque` hides all behind it, which spares mixing in each frame.
 */
export const CanvasTiles = L.GridLayer.extend({
  options: { tileSize: TILE, updateWhenZooming: false, keepBuffer: 1, share: 1, opaque: false },

  initialize(source, paint, options) {
    this._source = source;
    this._paint = paint;
    L.setOptions(this, options);
    this._pad = new Pad(this.options);
  },

  getEvents() {
    return { ...L.GridLayer.prototype.getEvents.call(this), zoomend: this._rescale };
  },

  onAdd(map) {
    this._again = ({ detail }) => detail.push(this._mend());
    this._source.addEventListener("again", this._again);
    L.GridLayer.prototype.onAdd.call(this, map);
  },

  onRemove(map) {
    this._source.removeEventListener("again", this._again);
    L.GridLayer.prototype.onRemove.call(this, map);
  },

  /** Ask again for the tiles that did not arrive. */
  _mend() {
    const missing = Object.values(this._tiles).filter(({ el }) => !el.tile);
    return Promise.allSettled(
      missing.map(async ({ el, coords }) => {
        el.tile = await this._source.at(coords.z - 1, coords.x, coords.y);
        this._draw(el, coords);
        this._tileReady(coords, null, el);
      }),
    );
  },

  createTile(coords, done) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    this._source.at(coords.z - 1, coords.x, coords.y).then(
      (tile) => {
        canvas.tile = tile;
        this._draw(canvas, coords);
        done(null, canvas);
      },
      (failed) => done(failed, canvas),
    );
    return canvas;
  },

  /** Paint what the source has now, for tiles that were fetched anew. */
  async renew() {
    for (const { el, coords } of Object.values(this._tiles ?? {})) {
      el.tile = await this._source.at(coords.z - 1, coords.x, coords.y);
      this._draw(el, coords);
    }
  },

  /** Paint every tile that is on the map again, from what was fetched. */
  repaint() {
    for (const { el, coords } of Object.values(this._tiles ?? {})) if (el.tile) this._draw(el, coords);
  },

  _initTile(canvas) {
    L.GridLayer.prototype._initTile.call(this, canvas);
    canvas.style.width = canvas.style.height = `${TILE + SEAM}px`;
  },

  // As in Leaflet 1.9.4, but for the choice of the tiles' zoom.
  _setView(center, zoom, noPrune, noUpdate) {
    if (!noUpdate) {
      this._tileZoom = this._clampZoom(tileZoomOf(zoom));
      this._updateLevels();
      this._resetGrid();
      this._update(center);
      if (!noPrune) this._pruneTiles();
      this._noPrune = Boolean(noPrune);
    }
    this._setZoomTransforms(center, zoom);
  },

  // Canvases have the resolution of the screen, whatever fraction of a zoom the map stands at.
  _scale(coords) {
    return this._map.getZoomScale(this._map.getZoom(), coords.z);
  },

  _rescale() {
    for (const { el, coords } of Object.values(this._tiles)) {
      if (el.tile && coords.z === this._tileZoom && el.scale !== this._scale(coords)) this._draw(el, coords);
    }
  },

  _draw(canvas, coords) {
    if (!this._map) return;
    if (this.options.blank?.(canvas.tile)) return this._pad.blank(canvas);
    // A tile of a zoom that was left meanwhile: five zooms nearer it would be a canvas of a gigabyte.
    const scale = coords.z === this._tileZoom ? this._scale(coords) : 1;
    const ratio = window.devicePixelRatio || 1;
    const side = Math.ceil((TILE + SEAM) * scale * ratio * this.options.share);
    canvas.scale = scale;
    const context = this._pad.wiped(side, side);
    const k = side / (TILE + SEAM);
    context.setTransform(k, 0, 0, k, 0, 0);
    context.lineJoin = context.lineCap = "round";
    this._paint(context, canvas.tile, { scale, zoom: this._map.getZoom(), px: 1 / scale, coords });
    this._pad.show(canvas);
  },
});

let waiting = null;

/** Do work that asks for several drawings of the same sheets, and draw each of them once at its end. */
export function drawnOnce(work) {
  waiting = new Set();
  try {
    return work();
  } finally {
    const sheets = waiting;
    waiting = null;
    for (const sheet of sheets) sheet.redraw();
  }
}

/** One canvas over the whole view, drawn again when the map stands still: draw(context, size, frame). */
export const Sheet = L.Renderer.extend({
  options: { padding: 0.12 },

  initialize(draw, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this._drawing = draw;
    this._pad = new Pad();
  },

  /** Draw again with what is known now. */
  redraw() {
    if (this._map && this._container && this._bounds) this._render();
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._container.className = "leaflet-zoom-animated";
    this._container.setAttribute("aria-hidden", "true");
    this._container.style.pointerEvents = "none";
  },

  _destroyContainer() {
    this._container.remove();
    this._container = null;
  },

  _updatePaths() {},

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    L.DomUtil.setPosition(this._container, this._bounds.min);
    this._render();
  },

  _render() {
    if (waiting) return waiting.add(this);
    // Pixels only where there is something to draw: they are put together in each frame.
    if (this.options.blank?.()) return this._pad.blank(this._container);
    const ratio = window.devicePixelRatio || 1;
    const size = this._bounds.getSize();
    this._container.style.width = `${size.x}px`;
    this._container.style.height = `${size.y}px`;
    const zoom = this._map.getZoom();
    const origin = this._map.getPixelOrigin().add(this._bounds.min);
    const context = this._pad.wiped(Math.floor(size.x * ratio), Math.floor(size.y * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const shift = this._map.layerPointToContainerPoint(this._bounds.min);
    this._drawing(context, size, { zoom, origin, shift });
    this._pad.show(this._container);
  },
});

/** The zoom of the tiles that a map's view is made of. */
export const zoomInView = (map) => tileZoomOf(map.getZoom()) - 1;

/** Tiles that cover the view at its own zoom, with where each starts: [{tile, left, top, scale}]. */
export async function tilesInView(map, source, { padding = 64 } = {}) {
  const zoom = map.getZoom();
  const tileZoom = tileZoomOf(zoom);
  const scale = map.getZoomScale(zoom, tileZoom);
  const bounds = map.getPixelBounds();
  const side = TILE * scale;
  const [left, right] = [bounds.min.x - padding, bounds.max.x + padding].map((x) => Math.floor(x / side));
  const [top, bottom] = [bounds.min.y - padding, bounds.max.y + padding].map((y) => Math.floor(y / side));
  const asked = [];
  for (let x = left; x <= right; x++)
    for (let y = top; y <= bottom; y++)
      asked.push(source.at(tileZoom - 1, x, y).then((tile) => ({ tile, left: x * side, top: y * side, side, scale })));
  const settled = await Promise.allSettled(asked);
  return settled.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
}

/** The tile under a place, and the place in that tile's pixels. */
export async function tileUnder(map, source, latlng) {
  const tileZoom = tileZoomOf(map.getZoom());
  const point = map.project(latlng, tileZoom);
  const x = Math.floor(point.x / TILE);
  const y = Math.floor(point.y / TILE);
  const tile = await source.at(tileZoom - 1, x, y);
  return { tile, x: point.x - x * TILE, y: point.y - y * TILE };
}
