/** Questions to our own API: JSON in, JSON out, a Problem where it says no. */

/** What the API answered instead of what was asked: `code` is the last part of the problem's type. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? String(status));
    this.status = status;
    this.code = (body.type ?? "").split("/").pop();
    this.facts = body;
  }
}

const listeners = new Set();

/** Be told of every answer: `true` it arrived, a Problem where it did not. Returns a function that stops it. */
export function onAnswer(listen) {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

/** GET a path under /api/v1; parameters that are empty are left out, lists are repeated. `background`: the page asks by itself, nobody did. */
export async function ask(path, parameters = {}, { signal, background = false } = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters))
    for (const each of [value].flat()) if (each !== null && each !== undefined && each !== "") query.append(key, each);
  const text = query.toString();
  return send("GET", text ? `${path}?${text}` : path, undefined, { signal, background });
}

/** POST, PUT, PATCH or DELETE, of JSON or of a file as it is; the custom header proves that the request came from our own page. */
export const tell = (path, body, method = "POST") => send(method, path, body);

async function send(method, path, body, { signal, background = false } = {}) {
  const headers = { Accept: "application/json", "X-Wangge": "1" };
  // An open page alone must not keep a session from going idle.
  if (background) headers["X-Wangge-Background"] = "1";
  const file = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = file ? "application/octet-stream" : "application/json";
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, { method, headers, signal, body: file || body === undefined ? body : JSON.stringify(body) });
  } catch (failed) {
    if (failed.name === "AbortError") throw failed;
    throw told(new Problem(0, { type: "lost" }));
  }
  if (!answer.ok) throw told(new Problem(answer.status, await answer.json().catch(() => ({}))));
  told(true);
  return answer.status === 204 ? null : answer.json();
}

function told(outcome) {
  for (const listen of listeners) listen(outcome);
  return outcome;
}
