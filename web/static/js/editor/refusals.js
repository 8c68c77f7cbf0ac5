/** A refusal in words: what was refused, why, and what to do. */

import { known, word } from "../words.js";

/** The sentence for a Problem; a reason of its own comes before its kind, and first what it means for a kind of operation. */
export function told(problem, kind = "") {
  const { reason, fields } = problem.facts ?? {};
  if (reason && known(`edit.${reason}.${kind}`)) return word(`edit.${reason}.${kind}`);
  if (reason && known(`edit.${reason}`)) return word(`edit.${reason}`);
  if (reason && known(`reason.${reason}`)) return word(`reason.${reason}`);
  if (known(`refusal.${problem.code}`)) {
    const where = fields?.map(({ at }) => at.replace(/^body\./, "")).join(", ");
    return where ? `${word(`refusal.${problem.code}`)} (${where})` : word(`refusal.${problem.code}`);
  }
  return problem.status === 0 ? word("lost") : problem.message || word("error.failed");
}

/** A warning of an operation in words; numbers of grids become what `nameOf` calls them. */
export function warned({ code, facts = {} }, nameOf) {
  const named = Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, ["grid", "within", "to"].includes(key) ? nameOf(value) : value]));
  return known(`warning.${code}`) ? word(`warning.${code}`, named) : code;
}
