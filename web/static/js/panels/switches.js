/** One fill of several, any of the overlays. */

import { make, put } from "../dom.js";
import { METRICS } from "../fills.js";
import { change, state } from "../state.js";
import { word } from "../words.js";

export const OVERLAYS = { hotspots: "statistics", incidents: "incidents", facilities: "facilities", officers: "officers" };

/** The layer switch; overlays the actor may not see are not offered. */
export function layers(body, permissions) {
  const { fill, layers: shown } = state();
  const offered = Object.keys(METRICS).filter((metric) => permissions.includes(METRICS[metric]));
  const options = offered.map((metric) =>
    make("option", { value: metric, selected: metric === fill, title: word(`fill.${metric}.formula`) }, word(`fill.${metric}`)),
  );
  const overlays = Object.keys(OVERLAYS)
    .filter((name) => permissions.includes(OVERLAYS[name]))
    .map((name) =>
      make(
        "button",
        {
          type: "button",
          className: "layer",
          "data-layer": name,
          "aria-pressed": String(shown.includes(name)),
          onclick: ({ currentTarget }) => toggle(name, currentTarget),
        },
        word(`layer.${name}`),
      ),
    );
  put(
    body,
    make(
      "div",
      { className: "row" },
      make(
        "label",
        { className: "fill" },
        word("layers.fill"),
        make("select", { name: "fill", onchange: ({ target }) => change({ fill: target.value }) }, options),
      ),
      overlays,
    ),
  );
}

function toggle(name, button) {
  const on = !state().layers.includes(name);
  const others = state().layers.filter((each) => each !== name);
  button.setAttribute("aria-pressed", String(on));
  change({ layers: on ? [...others, name].sort() : others });
}
