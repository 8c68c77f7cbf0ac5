/** Elements made from code; text people wrote only ever becomes textContent. */

// Signs that turn the direction of reading: a name must not make what stands beside it read backwards.
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** A text without them; anything else as it is. */
export const plain = (text) => (typeof text === "string" ? text.replace(TURNING, "") : text);

/** An element with properties, data attributes, listeners and children (nodes or text). */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && !key.includes("-") && key !== "list") element[key] = key === "value" ? value : plain(value);
    else element.setAttribute(key, value === true ? "" : plain(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).map(plain));
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

/** Put children in place of what an element holds. */
export const put = (element, ...children) => element.replaceChildren(...children.flat(Infinity).filter(Boolean).map(plain));

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
