/** Tells the page that something changed. It asks every few seconds now; a stream can take its place behind the same door. */

const EVERY = 10_000;
const LONGEST = 60_000;

/** Call `look` now and then; slower while it fails, at once when the page is seen again. Returns a function that stops. */
export function watch(look, { every = EVERY } = {}) {
  let timer = null;
  let pause = every;
  let stopped = false;
  const turn = async () => {
    clearTimeout(timer);
    if (stopped) return;
    if (!document.hidden)
      try {
        await look();
        pause = every;
      } catch {
        pause = Math.min(LONGEST, pause * 2);
      }
    if (!stopped) timer = setTimeout(turn, pause);
  };
  const seen = () => !document.hidden && turn();
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", seen);
  timer = setTimeout(turn, pause);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", seen);
  };
}
