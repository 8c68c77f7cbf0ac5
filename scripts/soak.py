"""A soak: one page hears minutes of accelerated events of a running server, and must hold on to no more at the end than after its start."""

import argparse
import itertools
import json
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from scripts.screenshots import CHROMIUM, OFFLINE, READY

SAMPLE_S = 15.0
SAMPLES = 20
"""At least so many, however short it is."""
WARM = 0.2
"""The first part of the time, in which code is compiled and lists fill up, is not compared."""
HEAP_GROWS, HEAP_SPARE = 1.10, 1e6
NODES_GROW, NODES_SPARE = 1.05, 200
ACTS = ({"action": "dispatch", "queue": True}, {"action": "supervise", "note": "soak"})
JITTER = 0.0015
PATIENCE_MS = 60_000


@dataclass
class Crowd:
    """Writes reports and dispatches at a steady rate until it is stopped; `seen` counts answers by status."""

    address: str
    token: str
    rate: float
    seen: Counter[int] = field(default_factory=Counter)
    last: int = 0
    failed: str = ""

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of one request."""
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Events for as long as this lasts; what went wrong is in `failed`."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=30)

    def _run(self, stop: threading.Event) -> None:
        try:
            _, feed = self.ask("GET", "/feed")
            known = [each for each in feed["items"] if each["place"]]
            began = time.monotonic()
            for number in itertools.count():
                if stop.wait(max(0.0, began + number / self.rate - time.monotonic())):
                    return
                self._event(random.choice(known), number)  # noqa: S311
        except (OSError, ValueError, LookupError) as failed:
            self.failed = f"{type(failed).__name__}: {failed}"

    def _event(self, like: dict[str, Any], number: int) -> None:
        """A report near one that is known; every other that lies in a community is acted upon at once."""
        lon, lat = (each + random.uniform(-JITTER, JITTER) for each in like["place"])  # noqa: S311
        report = {"category_id": like["category"]["id"], "lon": lon, "lat": lat, "title": f"Soak {number}", "severity": 1 + number % 3}
        status, told = self.ask("POST", "/incidents", report)
        self.seen[status] += 1
        if status != 201:
            return
        self.last = told["id"]
        if number % 2 and told["community"]:
            act = ACTS[number // 2 % len(ACTS)]
            status, _ = self.ask("POST", f"/incidents/{told['id']}/actions", act | {"version": told["version"]})
            self.seen[status] += 1


@dataclass(frozen=True)
class Held:
    """What a page holds on to once the garbage is gone; `at_s` since the events began."""

    at_s: float
    heap: float
    nodes: int
    listeners: int
    elements: int


def held(page: Page, at_s: float) -> Held:
    """Collect the garbage and count."""
    tools = page.context.new_cdp_session(page)
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")
    heap, counters = tools.send("Runtime.getHeapUsage")["usedSize"], tools.send("Memory.getDOMCounters")
    tools.detach()
    elements = page.evaluate("() => document.querySelectorAll('*').length")
    return Held(at_s, heap, counters["nodes"], counters["jsEventListeners"], elements)


def soak(page: Page, crowd: Crowd, seconds: float) -> list[Held]:
    """Samples while events arrive, and one after the last of them is on the page."""
    samples, began, pause = [], time.monotonic(), min(SAMPLE_S, seconds / SAMPLES)
    with crowd.at_work():
        while (now := time.monotonic() - began) < seconds and not crowd.failed:
            samples.append(held(page, now))
            _tell(samples[-1], crowd)
            page.wait_for_timeout(min(pause, max(seconds - now, 0.0)) * 1000)
    if page.locator("#feed").is_visible():
        page.wait_for_selector(f'#feed [data-incident="{crowd.last}"]', timeout=PATIENCE_MS)
    samples.append(held(page, time.monotonic() - began))
    return samples


def _tell(sample: Held, crowd: Crowd) -> None:
    print(
        f"{sample.at_s:5.0f} s  {sum(crowd.seen.values()):6} events  heap {sample.heap / 1e6:6.2f} MB  nodes {sample.nodes:6}"
        f"  listeners {sample.listeners:5}  elements {sample.elements:5}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def verdict(samples: list[Held]) -> dict[str, Any]:
    """The first third of what is compared against the last: medians, ratios, the heap's growth by the hour, and whether it is flat."""
    compared = [each for each in samples if each.at_s >= WARM * samples[-1].at_s]
    third = max(1, len(compared) // 3)
    told: dict[str, Any] = {"samples": len(compared)}
    for name in ("heap", "nodes", "listeners", "elements"):
        early = statistics.median(getattr(each, name) for each in compared[:third])
        late = statistics.median(getattr(each, name) for each in compared[-third:])
        most, spare = (HEAP_GROWS, HEAP_SPARE) if name == "heap" else (NODES_GROW, NODES_SPARE)
        told[name] = {"early": early, "late": late, "ratio": round(late / early, 4), "flat": late <= early * most + spare}
    line = statistics.linear_regression([each.at_s for each in compared], [each.heap for each in compared])
    told["heap_mb_per_hour"] = round(line.slope * 3600 / 1e6, 2)
    told["flat"] = all(told[name]["flat"] for name in ("heap", "nodes", "listeners", "elements"))
    return told


def main() -> int:
    """Soak the page that the command line asks for; 1 when it is not flat or anything went wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("address", help="such as http://127.0.0.1:8420; its database gets thousands of incidents: a demo")
    asked.add_argument("token", help="such as $(./wangge token --role operator)")
    asked.add_argument("--seconds", type=float, default=600)
    asked.add_argument("--rate", type=float, default=5.0, help="reports a second; each other one is acted upon as well")
    asked.add_argument("--path", default="/?lang=en", help="the page")
    given = asked.parse_args()
    crowd = Crowd(given.address.rstrip("/"), given.token, given.rate)
    wrong: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.add_cookies([{"name": "wangge", "value": given.token, "url": crowd.address}])
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(crowd.address + given.path)
        page.wait_for_function(READY, timeout=PATIENCE_MS)
        samples = soak(page, crowd, given.seconds)
        browser.close()
    told = {"seconds": round(samples[-1].at_s), "answers": dict(crowd.seen), "failed": crowd.failed, "wrong_on_the_page": wrong[:5]}
    found = verdict(samples)
    print(json.dumps(told | found, indent=2))
    return 0 if found["flat"] and not crowd.failed and not wrong and set(crowd.seen) <= {200, 201} else 1


if __name__ == "__main__":
    sys.exit(main())
