"""A planner's browser for tests: pages signed in as two planners on a demo district of their own, and places on their maps."""

import asyncio
import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import shapely
from playwright.sync_api import APIRequestContext, Page, expect
from shapely.geometry import LineString, Polygon

from api import worker
from tests.conftest import Clone

if TYPE_CHECKING:
    from tests.browser.conftest import Watched

DISTRICT = "990101"
COMMUNITY = "990101001001"
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

    watched: "Watched"
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


def shape(grid: dict[str, Any], origin: list[int]) -> Polygon:
    """The outer ring of a grid or an atom (degrees)."""
    return Polygon(max(rings(grid["polygons"], origin), key=len))


def inside(grid: dict[str, Any], origin: list[int]) -> Place:
    """A place well inside it."""
    point = shapely.maximum_inscribed_circle(shape(grid, origin)).coords[0]
    return float(point[0]), float(point[1])


def across(grid: dict[str, Any], origin: list[int]) -> list[Place]:
    """Two places on either side of a grid, and the line between them runs through its middle."""
    ground = shape(grid, origin)
    x, y = inside(grid, origin)
    west, _, east, _ = ground.bounds
    through = LineString([(west - 0.0002, y), (east + 0.0002, y)]).intersection(ground)
    run = next(each for each in getattr(through, "geoms", [through]) if each.bounds[0] <= x <= each.bounds[2])
    return [(run.bounds[0] - 0.0001, y), (run.bounds[2] + 0.0001, y)]


def pair(ground: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two grids with the longest border in common."""
    grids = ground["grids"]
    shapes = [shape(each, ground["origin"]) for each in grids]
    best = max(
        ((a, b) for a in range(len(grids)) for b in range(a)),
        key=lambda each: shapely.intersection(shapes[each[0]].exterior, shapes[each[1]].exterior).length,
    )
    return grids[best[0]], grids[best[1]]


def paintable(planner: Planner, plan: int, ground: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A grid, and an atom beside it that it may take."""
    told = planner.ask("GET", f"/plans/{plan}/atoms?community={planner.community}")
    shapes = {each["id"]: shape(each, ground["origin"]) for each in ground["grids"]}
    for atom in told["atoms"]:
        ring = Polygon(max(rings(atom["polygons"], told["origin"]), key=len))
        at = inside(atom, told["origin"])
        holder = next((id for id, each in shapes.items() if each.contains(shapely.Point(at))), None)
        for grid in ground["grids"]:
            if grid["id"] == holder or atom["households"] == 0 or shapely.intersection(shapes[grid["id"]].exterior, ring).length < 1e-4:
                continue
            base = {str(each["id"]): each["version"] for each in ground["grids"]}
            body = {
                "client_id": "6f9b1b1e-1a3c-4c64-9a63-1f6f3b1f0c11",
                "base": base,
                "operation": {"kind": "give", "to": grid["id"], "atoms": [atom["id"]]},
            }
            # The stroke is a straight one: it may pass over these two grids alone.
            stroke = LineString([inside(grid, ground["origin"]), at])
            clean = stroke.difference(shapes[grid["id"]]).difference(ring).length < 1e-9
            if clean and planner.api.post(f"{planner.address}/api/v1/plans/{plan}/operations?dry_run=true", data=body).ok:
                return grid, {**atom, "at": at}
    raise AssertionError("no atom can be painted")


def movable(ground: dict[str, Any]) -> tuple[dict[str, Any], Place]:
    """A grid and a vertex of it that another grid of the plan has too, far from all others."""
    rims = {each["id"]: rings(each["polygons"], ground["origin"])[0] for each in ground["grids"]}
    for grid in ground["grids"]:
        others = {place for id, rim in rims.items() if id != grid["id"] for place in rim}
        rim = rims[grid["id"]]
        for i, place in enumerate(rim):
            near = min(shapely.Point(place).distance(shapely.Point(rim[j])) for j in (i - 1, (i + 1) % len(rim)))
            inner = sum(place in rims[id] for id in rims) == 2
            if place in others and near > 0.0002 and inner:
                return grid, place
    raise AssertionError("no vertex can be moved")


def run_jobs(clone: Clone) -> None:
    """Let the worker do what waits, in a thread: the browser's driver has a loop of its own in this one."""
    with TemporaryDirectory() as outbox:
        thread = threading.Thread(target=lambda: asyncio.run(worker.work(clone.schema_url, outbox=Path(outbox), wait=False)))
        thread.start()
        thread.join(timeout=60)
        assert not thread.is_alive()
