/** Colours of the map come from the style sheet, so that both themes live in one place. */

let cache = null;

/** The value of a custom property, without its dashes: colour("map-water"). */
export function colour(name) {
  cache ??= new Map();
  if (!cache.has(name)) cache.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return cache.get(name);
}

/** The five classes of a choropleth, least first. */
export const ramp = () => [1, 2, 3, 4, 5].map((number) => colour(`fill-${number}`));

/** Twelve calm hues for who answers for which grid, alike in weight in both themes. */
export function officerColour(rank) {
  const dark = theme() === "dark";
  const hue = (rank * 137.508 + 200) % 360;
  const light = (dark ? 32 : 78) + (rank % 3) * (dark ? 6 : -6);
  return `hsl(${hue.toFixed(0)} ${dark ? 28 : 34}% ${light}%)`;
}

export const theme = () => document.documentElement.dataset.theme;

/** Change the theme and forget the colours of the other one. */
export function wear(name) {
  document.documentElement.dataset.theme = name;
  cache = null;
  document.dispatchEvent(new CustomEvent("theme"));
}
