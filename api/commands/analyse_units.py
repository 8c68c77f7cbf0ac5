"""How the units of a file get what methods on areas need: one value each, neighbours, and the tables they share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from api.commands import analyse_options as options
from data.files.answer import Answer, Facts
from data.files.neighbours import neighbours_from
from data.files.source import Source, source
from gis.crs import geometry_from
from gis.errors import BadValue, WrongCrs
from gis.hotspots.gi import FEW_NEIGHBOURS, patches, too_few_draws
from gis.hotspots.gi_star import enough_to_analyse
from gis.hotspots.network import network_band
from gis.hotspots.rates import PER, eb_standardised, empirical_bayes_rates
from gis.hotspots.weights import Neighbours, distance_band, nearest, queen, rook, unjoined

NEAREST = 8
JOINTS_CHECKED_TO = 20_000
"""Areas; above, whether all borders fit each other is not looked at."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """Areas with the value to analyse and the columns that tell where it comes from."""

    source: Source
    values: Floats
    columns: dict[str, Floats]

    @property
    def facts(self) -> Facts:
        """How many, and of what."""
        sums: Facts = {name: float(self.columns[name].sum()) for name in ("cases", "population") if name in self.columns}
        return {"n": len(self.values), **sums}

    def answer(
        self, method: str, neighbours: Neighbours, parameters: Facts, found: dict[str, NDArray[Any]], sign: NDArray[np.integer], z: Floats,
        facts: Facts, notes: list[str],
    ) -> Answer:  # fmt: skip
        """An answer of a method on areas: what it `found` beside the units, patches of one `sign` as clusters."""
        table = pd.DataFrame({"id": self.source.ids, **self.columns, "neighbours": neighbours.number})
        table["flag"] = np.where(neighbours.number == 0, "island", np.where(neighbours.number < FEW_NEIGHBOURS, "few-neighbours", ""))
        facts = {**self.facts, "islands": [self.source.ids[each] for each in neighbours.islands], **facts}
        return Answer(method, parameters, table.assign(**found), self._clusters(neighbours, sign, z), facts, [*self.source.notes, *notes],
                      self.source.ground, self.source.crs)  # fmt: skip

    def _clusters(self, neighbours: Neighbours, sign: NDArray[np.integer], z: Floats) -> list[Facts]:
        """Significant areas that hang together, with what happened there against what was expected."""
        found = []
        for number, members in enumerate(patches(sign, neighbours), 1):
            one: Facts = {"cluster": number, "kind": "hot" if sign[members[0]] > 0 else "cold", "n": len(members)}
            one["members"] = [self.source.ids[each] for each in members]
            one["z_extreme"] = float(z[members][np.argmax(np.abs(z[members]))])
            if "cases" in self.columns:
                cases = self.columns["cases"]
                base = self.columns.get("population", np.ones(len(cases)))
                observed, expected = cases[members].sum(), cases.sum() * base[members].sum() / base.sum()
                one |= {"observed": float(observed), "expected": float(expected), "ratio": float(observed / expected)}
            found.append(one)
        return found


def units_of(read: Source, value: str | None, cases: str | None, population: str | None) -> Units:
    """A column as it is, cases as they are, or EB-standardised rates of cases by population.

    Areas without population are left out and noted. Refuses two questions at once, none, and too few cases.
    """
    if (value is None) == (cases is None):
        raise BadValue("Say what to analyse: --value COLUMN, or --cases COLUMN with or without --population COLUMN.")
    read.notes.extend(one_name(read))
    if value is not None:
        if population is not None:
            raise BadValue("--population belongs to --cases; a --value is taken as it is.")
        numbers = read.numbers(value)
        return Units(read, numbers, {"value": numbers})
    assert cases is not None
    count = _counts(read, cases)
    if population is None:
        enough_to_analyse(count)
        return Units(read, count, {"cases": count})
    base = _counts(read, population)
    lived = base > 0
    if not lived.any():
        raise BadValue(f"Column {population!r} is zero everywhere: nobody is at risk.", column=population)
    if not lived.all():
        empty = options.some(int((~lived).sum()), "area has", "areas have")
        read.notes.append(f"Of {len(read)}, {empty} no population; left out, with {count[~lived].sum():g} cases.")
        read, count, base = read.only(lived), count[lived], base[lived]
    enough_to_analyse(count)
    columns = {"cases": count, "population": base, "rate": count / base * PER, "eb": empirical_bayes_rates(count, base) * PER}
    return Units(read, eb_standardised(count, base), columns)


def one_name(read: Source) -> list[str]:
    """What has to be said where a name does not tell which area is meant."""
    return ["Several areas bear one name; --id says which column names them."] if len(set(read.ids)) < len(read) else []


def neighbours_of(read: Source, weights: str | None) -> tuple[Neighbours, list[str]]:
    """Neighbours by the rule or file that --weights names, and what has to be said about them."""
    if weights is None and read.ground is None:
        raise BadValue("The rows have no place, so who is whose neighbour must come from a file: --weights FILE, or name --lon and --lat.")
    rule = weights or ("queen" if read.polygonal else f"knn:{NEAREST}")
    notes = [f"No --weights: {rule} is taken."] if weights is None else []
    kind, _, size = rule.partition(":")
    if kind in ("queen", "rook"):
        return _by_border(read, kind, notes)
    if kind == "knn":
        return nearest(read.points(), int(_size(rule, size))), notes
    if kind in ("distance", "band"):
        return with_islands(distance_band(read.points(), _size(rule, size)), notes)
    if kind == "network":
        return with_islands(_along_roads(read, rule, size), notes)
    found, more = neighbours_from(Path(rule), read.ids)
    return found, [*notes, *more, *island_note(found)]


def draws_note(neighbours: Neighbours, permutations: int) -> list[str]:
    """What false-discovery control with so few draws cannot find."""
    analysed = int((neighbours.number > 0).sum())
    needed = too_few_draws(analysed, permutations)
    if needed == 1:
        return []
    return [
        f"With {permutations:,} draws no p is below {2 / (permutations + 1):.1e}: of {analysed:,} areas at least {needed:,} must reach that"
        f" before one is called hot or cold at 95 %. More draws: --permutations {int(40 * analysed / 0.05 + 999) // 1000 * 1000 - 1}."
    ]


def island_note(neighbours: Neighbours) -> list[str]:
    """How many areas have no neighbour."""
    count = len(neighbours.islands)
    none = options.some(
        count, "area has no neighbour and is left out, flagged as island", "areas have no neighbour and are left out, flagged as islands"
    )
    return [f"{none}."] if count else []


def pieces_note(neighbours: Neighbours) -> list[str]:
    """Whether the areas fall into several pieces without a common border."""
    _, piece = connected_components(neighbours.csr(), directed=False)
    pieces = int((np.bincount(piece) > 1).sum()) if len(piece) else 0
    return [f"The areas fall into {pieces} pieces that share no border; neighbours are sought within each."] if pieces > 1 else []


def counted(areas: Path, read: Source, id_column: str | None, layer: str | None) -> tuple[Source, NDArray[np.int64]]:
    """Polygons of another file, and in which of them each row's place lies: its index, -1 for none.

    On a shared border the earlier polygon wins. WrongCrs if only one of the two files knows its coordinate system.
    """
    ground = source(areas, layer=layer, id_column=id_column)
    if not ground.polygonal:
        raise BadValue(f"{areas.name} must hold polygons to count in.", file=areas.name)
    if (ground.crs is None) != (read.crs is None):
        raise WrongCrs(f"Only one of {read.name} and {ground.name} names its coordinate system. Say the other one with --crs.")
    places = read.in_degrees() if read.crs else read.placed()
    shapes = ground.in_degrees() if ground.crs else ground.placed()
    row, found = shapely.STRtree(shapes).query(shapely.centroid(places), predicate="intersects")
    where = np.full(len(read), len(shapes), dtype=np.int64)
    np.minimum.at(where, row, found)
    return ground, np.where(where == len(shapes), -1, where)


def with_islands(found: Neighbours, notes: list[str]) -> tuple[Neighbours, list[str]]:
    """Neighbours, and what has to be said about areas without any."""
    return found, [*notes, *island_note(found)]


def _along_roads(read: Source, rule: str, size: str) -> Neighbours:
    """network:METRES:FILE, along the lines of a file in the same coordinate system or any that both name."""
    reach, _, name = size.partition(":")
    if not name:
        raise BadValue(f"{rule!r} names no roads; write network:500:roads.gpkg.", weights=rule)
    roads, measure = source(Path(name)), read.measure()
    if (measure is None) != (roads.crs is None):
        raise WrongCrs(f"Only one of {read.name} and {roads.name} names its coordinate system. Say the other one with --crs.")
    lines = roads.placed() if measure is None or roads.crs is None else measure.to_metres(geometry_from(roads.crs, roads.placed()))
    return network_band(read.points(), lines, _size(rule, reach))


def _by_border(read: Source, kind: str, notes: list[str]) -> tuple[Neighbours, list[str]]:
    if not read.polygonal:
        raise BadValue(f"{kind} neighbours are those of polygons; this file has none in every row. Take knn:{NEAREST} or distance:METRES.")
    shapes = read.placed()
    found = queen(shapes) if kind == "queen" else rook(shapes)
    notes = notes + island_note(found) + pieces_note(found)
    loose = unjoined(shapes, queen(shapes)) if len(shapes) <= JOINTS_CHECKED_TO else []
    if loose:
        first = " and ".join(read.ids[each] for each in loose[0])
        notes.append(
            f"{len(loose)} pairs of areas meet without a common vertex, first {first}: their borders do not fit, and they are not"
            " counted as neighbours. Mend the borders, or take distance:METRES."
        )
    return found, notes


def _counts(read: Source, column: str) -> Floats:
    numbers = read.numbers(column)
    if (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        raise BadValue(f"Column {column!r} is negative in row {row + 1} ({read.ids[row]}): {numbers[row]:g}.", column=column, row=row + 1)
    return numbers


def _size(rule: str, text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = np.nan
    if not size > 0:
        raise BadValue(f"{rule!r} is no rule for neighbours; write knn:8 or distance:500, with a number above 0.", weights=rule)
    return size
