/** Elements made from code; text people wrote only ever becomes textContent. */

/** An element with properties, data attributes, listeners and children (nodes or text). */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && !key.includes("-") && key !== "list") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element. */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const ICONS = {
  sun: "M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m0-11.4L4.9 4.9m14.2 14.2-1.4-1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z",
  moon: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",
  full: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  search: "M11 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zm5-1.5 4.5 4.5",
  close: "m6 6 12 12M18 6 6 18",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4m-4-4h9",
  pause: "M8 5v14m8-14v14",
  play: "M7 5v14l12-7z",
  layers: "m12 3 9 5-9 5-9-5zm-9 9 9 5 9-5M3 16l9 5 9-5",
  up: "m6 15 6-6 6 6",
  down: "m6 9 6 6 6-6",
  good: "m5 12.5 5 5L19.5 7",
  watch: "M12 4 3 20h18zm0 6v4.5m0 2.5v.2",
  alarm: "M8 3h8l5 5v8l-5 5H8l-5-5V8zm4 4.5V13m0 3v.2",
  key: "M4 6h6v5H4zm0 8h6v5H4zm10-6h6m-6 9h6",
};

/** One of our line icons; decoration only, so the button around it needs a label. */
export const icon = (name) => draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: ICONS[name] }));

/** Put children in place of what an element holds. */
export const put = (element, ...children) => element.replaceChildren(...children.flat(Infinity).filter(Boolean));

/** A placeholder while something is on its way. */
export const skeleton = () => make("div", { className: "skeleton", "aria-hidden": "true" });

/** Run at most once a frame, with the latest arguments. */
export function eachFrame(work) {
  let asked = null;
  return (...latest) => {
    const waiting = asked !== null;
    asked = latest;
    if (!waiting)
      requestAnimationFrame(() => {
        const given = asked;
        asked = null;
        work(...given);
      });
  };
}
