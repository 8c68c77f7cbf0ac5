/** Sign-in, problem pages and the reference: the tools, and the form where there is one. */

import { tell } from "./api.js";
import * as tools from "./tools.js";
import { known, word } from "./words.js";

/** Bring the page to life; who is signed in may leave. */
export function start({ signedIn }) {
  tools.show(document.querySelector("#tools"), { signedIn });
  const form = document.querySelector("#sign_in");
  if (!form) return;
  form.elements.name.focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(form);
  });
}

async function enter(form) {
  const refusal = form.querySelector("#refusal");
  const button = form.querySelector("button");
  const { name, password, code } = form.elements;
  refusal.hidden = true;
  button.disabled = true;
  try {
    await tell("/session", {
      name: name.value.trim(),
      password: password.value,
      ...(code.value.trim() ? { code: code.value.trim() } : {}),
    });
    location.assign(form.dataset.next);
  } catch (problem) {
    refusal.textContent = word(known(`refusal.${problem.code}`) ? `refusal.${problem.code}` : "error.failed");
    refusal.hidden = false;
    password.select();
  } finally {
    button.disabled = false;
  }
}
