"""What the benches of the methods share: coverages of as many areas as grids, hexagons of a city, and a row with equal answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from shapely.geometry import box

from bench.harness import Report, interleaved
from gis.hotspots.hexagons import hexagons_of
from gis.hotspots.weights import Neighbours, queen

GRIDS = (1_007, 3_461)
CELLS = 100_000
EXTENT_M = 8_000.0


def coverage(count: int, seed: int = 0) -> list[shapely.Polygon]:
    """So many crooked areas that tile a square, metres."""
    random = np.random.default_rng(seed)
    frame = box(0, 0, EXTENT_M, EXTENT_M)
    cells = shapely.voronoi_polygons(shapely.multipoints(random.random((count, 2)) * EXTENT_M), extend_to=frame)
    return list(shapely.get_parts(shapely.intersection(cells.geoms, frame)))


def ground(count: int) -> tuple[list[shapely.Polygon], Neighbours]:
    """Areas and their neighbours: a coverage of `count` areas, or hexagons from CELLS on."""
    if count < CELLS:
        shapes = coverage(count)
        return shapes, queen(shapes)
    side = count**0.5 * 100
    cells = hexagons_of(box(0, 0, side, side), cell_m2=10_000)
    return list(cells.shapes()), cells.neighbours()


def as_peer(neighbours: Neighbours) -> Any:
    """The same neighbours as weights of libpysal."""
    from libpysal.weights import W  # noqa: PLC0415  seconds to load, for benches only

    return W({area: neighbours.of(area).tolist() for area in range(len(neighbours))}, silence_warnings=True)


def compared(
    report: Report, case: str, ours: Callable[[], Any], peer: Callable[[], Any], rounds: int, same: Callable[[Any, Any], bool],
    *, limit: Callable[[], object] | None = None, scale: float = 1.0,
) -> None:  # fmt: skip
    """A row of CPU seconds whose two answers must be the same; `scale`: how many times what was measured the peer would do."""
    answers: dict[str, Any] = {}
    timing = interleaved(
        ours=lambda: answers.update(ours=ours()), peer=lambda: answers.update(peer=peer()), limit=limit, rounds=rounds, clock="cpu"
    )
    if not same(answers["ours"], answers["peer"]):
        raise RuntimeError(f"{case}: the answers differ.")
    report.add(case, ours=timing.ours, peer=timing.peer * scale, unit="cpu s", limit=timing.limit, memory=timing.memory)
