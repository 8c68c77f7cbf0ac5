"""A planner's browser for tests: pages signed in as two planners on a demo district of their own, and places on their maps."""

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import APIRequestContext, Page, expect

from tests.browser.conftest import Watched

STEP = 2.0**-27
ZOOM = 17.0
Place = tuple[float, float]


def mercator(place: Place) -> Place:
    """A place (degrees) on the Mercator square of side 1."""
    sine = math.sin(math.radians(place[1]))
    return place[0] / 360 + 0.5, 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)


def rings(polygons: list[list[list[int]]], origin: list[int]) -> list[list[Place]]:
    """The outer rings (degrees) of polygons as the wire tells them."""
    found = []
    for polygon in polygons:
        flat, x, y, ring = polygon[0], origin[0], origin[1], []
        for dx, dy in zip(flat[::2], flat[1::2], strict=True):
            x, y = x + dx, y + dy
            ring.append((x * STEP, y * STEP))
        found.append(ring)
    return found


@dataclass
class Planner:
    """One planner at one page, with the API at hand for what another program would do."""

    watched: Watched
    api: APIRequestContext
    address: str
    community: str
    expected: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The page."""
        return self.watched.page

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers; fails on a refusal."""
        answer = self.api.fetch(f"{self.address}/api/v1{path}", method=method, data=body)
        assert answer.ok, answer.text()
        return answer.json()

    def plan(self, name: str = "试画") -> int:
        """A new plan over the community."""
        return int(self.ask("POST", "/plans", {"name": name, "area": self.community})["id"])

    def operate(self, plan: int, operation: dict[str, Any]) -> Any:
        """An operation as another program sends it, which has just read the ground."""
        base = {str(each["id"]): each["version"] for each in self.ground(plan)["grids"]}
        body = {"client_id": str(uuid.uuid4()), "base": base, "operation": operation}
        return self.ask("POST", f"/plans/{plan}/operations", body)

    def ground(self, plan: int) -> Any:
        """The plan's ground as the wire tells it."""
        return self.ask("GET", f"/plans/{plan}/ground")

    def open(self, plan: int, at: Place | None = None, query: str = "") -> Page:
        """The editor on a plan, with a place in the middle of the map."""
        view = f"&at={at[0]:.7f},{at[1]:.7f},{ZOOM}" if at else ""
        page = self.watched.open(f"/plans/{plan}?lang=en&theme=light{view}{query}")
        self.settle()
        return page

    def settle(self) -> None:
        """Wait until the ground is drawn."""
        self.page.wait_for_function("() => document.querySelectorAll('.leaflet-hot-pane canvas').length > 0")

    def spot(self, place: Place) -> tuple[float, float]:
        """Where a place lies in the window."""
        at = self.page.evaluate("() => new URLSearchParams(location.search).get('at')").split(",")
        middle, zoom = mercator((float(at[0]), float(at[1]))), float(at[2])
        box = self.page.locator("#ground_under_edit").bounding_box()
        assert box
        here, scale = mercator(place), 256 * 2**zoom
        return box["x"] + box["width"] / 2 + (here[0] - middle[0]) * scale, box["y"] + box["height"] / 2 + (here[1] - middle[1]) * scale

    def click(self, place: Place, **options: Any) -> None:
        """A click on a place of the map."""
        self.page.mouse.click(*self.spot(place), **options)

    def tool(self, letter: str) -> None:
        """Take a tool in hand by its key."""
        self.page.keyboard.press(letter)

    def pending(self, state: str = "ready") -> None:
        """Wait until what is pending is in a state."""
        self.page.wait_for_selector(f"#pending.{state}:not([hidden])")

    def accept(self, plan: int) -> int:
        """Say yes and wait until the log has grown; the number of the new row."""
        before = self.ask("GET", f"/plans/{plan}")["revision"]
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#pending", state="hidden")
        after = self.ask("GET", f"/plans/{plan}")["revision"]
        assert after == before + 1
        return int(after)

    def grids(self, n: int) -> None:
        """Wait until the card of the plan counts so many grids."""
        expect(self.page.locator(".facts dd").first).to_have_text(str(n))


Planners = Callable[..., Planner]
