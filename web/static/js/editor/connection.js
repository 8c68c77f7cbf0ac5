/** Whether the server is there: told when it is lost, and the ground is brought up to date when it is found again. */

import { ask, onAnswer } from "../api.js";
import { notice, signIn } from "../notices.js";
import { word } from "../words.js";

/** Watch over the connection of an editor, and follow the plan's events through it. */
export function connected({ draft }) {
  let lost = false;
  const lose = () => {
    if (!lost) notice("lost", `▲ ${word("lost")}`);
    lost = true;
  };
  const find = () => {
    if (!lost) return;
    lost = false;
    notice("lost");
    draft.reload().catch(() => null);
  };
  onAnswer((outcome) => {
    if (outcome === true) find();
    else if (outcome.status === 0) lose();
    else if (outcome.status === 401) notice("out", word("error.signed_out"), signIn());
  });
  draft.follow((said) => said === "open" && find());
  window.addEventListener("offline", lose);
  window.addEventListener("online", () => ask(draft.path()).catch(() => null));
}
