/** Leads mouse, finger, pen and keyboard to the tool in hand; what it does not take moves the map. */

import { eachFrame } from "../dom.js";
import { mercator } from "./lattice.js";

const HOLD_MS = 550;
const HOLD_PX = 8;

/** Listen on the map of an editor. */
export function listen(editor) {
  const container = editor.map.getContainer();
  const pressing = { id: null, held: null, taken: false };
  editor.map.doubleClickZoom.disable();
  editor.map.boxZoom.disable();
  const placed = (event) => {
    const point = editor.map.mouseEventToContainerPoint(event);
    const { lng, lat } = editor.map.containerPointToLatLng(point);
    return { at: mercator([lng, lat]), point, touch: event.pointerType === "touch", add: event.shiftKey || event.ctrlKey || event.metaKey };
  };
  const hover = eachFrame((event) => editor.hand.hover(placed(event)));
  container.addEventListener("pointerdown", (event) => press(editor, pressing, event, placed), true);
  container.addEventListener("pointermove", (event) => {
    if (onControl(event)) return;
    editor.pointed(event.pointerType === "touch");
    if (pressing.id === event.pointerId) follow(editor, pressing, event, placed);
    else if (pressing.id === null && event.pointerType !== "touch" && !event.buttons) hover(event);
  });
  for (const kind of ["pointerup", "pointercancel"]) container.addEventListener(kind, (event) => release(editor, pressing, event, placed));
  editor.map.on("click", ({ originalEvent }) => {
    if (pressing.taken) pressing.taken = false;
    else editor.hand.click(placed(originalEvent));
  });
  container.addEventListener("dblclick", (event) => onControl(event) || editor.hand.double(placed(event)));
  container.addEventListener("contextmenu", (event) => event.preventDefault());
  container.addEventListener("pointerleave", () => editor.hover(null));
}

const onControl = (event) => Boolean(event.target.closest?.(".leaflet-control"));

function press(editor, pressing, event, placed) {
  if (onControl(event)) return;
  if (event.button === 1) return pan(editor, event);
  if (event.button !== 0) return;
  // A second finger means the map: what the first has begun is given up.
  if (pressing.id !== null) return giveUp(editor, pressing);
  pressing.taken = false;
  const place = placed(event);
  pressing.at = place.point;
  clearTimeout(pressing.held);
  if (place.touch) pressing.held = setTimeout(() => held(editor, pressing, place), HOLD_MS);
  if (!editor.draws() || !editor.hand.down(place)) return;
  pressing.id = event.pointerId;
  pressing.taken = true;
  editor.map.dragging.disable();
  editor.map.getContainer().setPointerCapture(event.pointerId);
}

function held(editor, pressing, place) {
  giveUp(editor, pressing);
  editor.hand.hold(place);
  pressing.taken = true;
}

function follow(editor, pressing, event, placed) {
  const place = placed(event);
  if (pressing.at && Math.hypot(place.point.x - pressing.at.x, place.point.y - pressing.at.y) > HOLD_PX) clearTimeout(pressing.held);
  editor.hand.move(place);
}

function release(editor, pressing, event, placed) {
  clearTimeout(pressing.held);
  if (pressing.id !== event.pointerId) return;
  pressing.id = null;
  editor.map.dragging.enable();
  if (event.type === "pointerup") editor.hand.up(placed(event));
  else editor.hand.cancel();
}

function giveUp(editor, pressing) {
  clearTimeout(pressing.held);
  if (pressing.id === null) return;
  pressing.id = null;
  editor.map.dragging.enable();
  editor.hand.cancel();
}

/** The middle button moves the map whatever the tool. */
function pan(editor, event) {
  event.preventDefault();
  let last = editor.map.mouseEventToContainerPoint(event);
  const container = editor.map.getContainer();
  const move = (moved) => {
    const now = editor.map.mouseEventToContainerPoint(moved);
    editor.map.panBy(last.subtract(now), { animate: false });
    last = now;
  };
  const stop = () => {
    container.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", stop);
  };
  container.addEventListener("pointermove", move);
  window.addEventListener("pointerup", stop);
}

const TYPED = "input, textarea, select, [contenteditable]";

/** Keys: the tool's own first, then the page's shortcuts. `shortcuts` maps a key to what it does. */
export function keys(editor, shortcuts) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.altKey || event.target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
      if (control(editor, event) || onMap(editor, event) || single(editor, event, shortcuts)) {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    true,
  );
}

function control(editor, event) {
  if (!event.ctrlKey && !event.metaKey) return false;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) editor.undo();
  else if ((key === "z" && event.shiftKey) || key === "y") editor.redo();
  else return false;
  return true;
}

function onMap(editor, event) {
  if (event.ctrlKey || event.metaKey) return false;
  const focused = event.target === editor.map.getContainer() || event.target === document.body;
  if (event.key === "Escape") return editor.back();
  if (!focused) return false;
  if (editor.draws() && editor.hand.key(event)) return true;
  if (event.key === "Enter") return editor.accept();
  if (event.key === " ") return editor.atCrosshair(event.shiftKey);
  if (event.key.startsWith("Arrow")) editor.crosshair(true);
  return false;
}

function single(editor, event, shortcuts) {
  if (event.ctrlKey || event.metaKey || event.key.length > 1 || !editor.letters) return event.key === "?" && shortcuts["?"]();
  const act = shortcuts[event.key.toLowerCase()];
  if (!act) return false;
  act(event);
  return true;
}
