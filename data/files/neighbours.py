"""Reads who is whose neighbour from a file: .gal and .gwt as GeoDa and spdep write them, .json, or one of three forms of .csv."""

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gis.errors import BadFile
from gis.hotspots.weights import Neighbours, pairs_given

MAX_BYTES = 500_000_000
FORMS = (
    "a row is a pair (id,neighbour), a pair with its weight under a head line (id,neighbour,weight), or an id and all its neighbours in one"
    " cell (A,B C D); or the whole is a square table with the ids on top and at the left"
)
Pairs = list[tuple[str, str, float]]
"""Who has whom as a neighbour, with which weight; 1 where none is given. A weight of 0 is none."""


def neighbours_from(path: Path, ids: Sequence[str]) -> tuple[Neighbours, list[str]]:
    """Neighbours of the units named `ids`, in their order, and what has to be said about them.

    .gal: a head line, then for each unit "id number" and a line of neighbours. .gwt: a head line, then "id neighbour distance".
    .json: {"id": ["neighbour", …]} or {"id": {"neighbour": weight}}, or a list of lists of places counted from 0.
    .csv: pairs (id, neighbour, with or without a weight of which 0 is none), lists (id, then all its neighbours in one cell, with
    spaces or ; or | between), or a square table of weights with the ids on top and at the left. Files may count the units from
    0 instead of naming them. Raises BadFile for a broken file, a form that is none of these, or an id that is no unit.
    """
    if not path.is_file():
        raise BadFile(f"There is no file {path} with neighbours. Weights are queen, rook, knn:K, distance:METRES or such a file.")
    if path.stat().st_size > MAX_BYTES:
        raise BadFile(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadFile(f"Neighbours are read from {', '.join(READERS)}; not from {path.name}.")
    if len(set(ids)) < len(ids):
        raise BadFile("The ids of the units are not unique, so that a file of neighbours cannot name them. Say which column with --id.")
    try:
        pairs = reader(path.read_text("utf-8-sig"), ids)
    except (ValueError, IndexError, StopIteration, TypeError, AttributeError) as broken:
        raise BadFile(f"{path.name} is no {path.suffix} file of neighbours: {broken or type(broken).__name__}") from broken
    place, notes = _places(path.name, pairs, ids)
    kept = [(place[one], place[other]) for one, other, weight in pairs if weight]
    found = pairs_given([one for one, _ in kept], [other for _, other in kept], len(ids), kind=f"file:{path.name}")
    return found, [*notes, *_weight_notes(path.name, pairs), *_one_way(path.name, kept)]


def _places(file: str, pairs: Pairs, ids: Sequence[str]) -> tuple[Mapping[str, int], list[str]]:
    """Which row a name of the file is: that of an id, or the number of a row counted from 0 where the file names none of the ids."""
    place = {name: row for row, name in enumerate(ids)}
    named = {name for one, other, _ in pairs for name in (one, other)}
    strangers = sorted(named - place.keys())
    if not strangers:
        return place, []
    counted = {str(row): row for row in range(len(ids))}
    if "0" in strangers and named <= counted.keys():
        return counted, [f"{file} does not name the units but counts them from 0, in the order of the rows."]
    raise BadFile(
        f"{file} names {len(strangers)} ids that are no units, such as {', '.join(strangers[:5])}. Say which column holds them with --id."
    )


def _weight_notes(file: str, pairs: Pairs) -> list[str]:
    none = sum(not weight for *_, weight in pairs)
    unequal = len({weight for *_, weight in pairs if weight}) > 1
    return [
        *([f"{none} pairs of {file} have the weight 0 and are no neighbours."] if none else []),
        *([f"The weights of {file} differ; here a unit is a neighbour or not, whatever its weight."] if unequal else []),
    ]


def _one_way(file: str, pairs: Sequence[tuple[int, int]]) -> list[str]:
    there = {(one, other) for one, other in pairs if one != other}
    single = sum((other, one) not in there for one, other in there)
    if not single:
        return []
    return [f"{single} of {len(there)} pairs of {file} stand in one direction only and are taken so: who is named does not name back."]


def _gal(text: str, ids: Sequence[str]) -> Pairs:
    words = iter(text.split("\n", 1)[1].split())
    pairs: Pairs = []
    for name in words:
        pairs += [(name, next(words), 1.0) for _ in range(int(next(words)))]
    return pairs


def _gwt(text: str, ids: Sequence[str]) -> Pairs:
    # A distance of 0 is that of two places at one coordinate: neighbours all the same.
    lines = (line.split() for line in text.splitlines()[1:])
    return [(line[0], line[1], float(line[2]) or 1.0 if len(line) > 2 else 1.0) for line in lines if line]


def _json(text: str, ids: Sequence[str]) -> Pairs:
    listed = json.loads(text)
    if isinstance(listed, Mapping):
        return [(str(name), str(other), float(weight)) for name, others in listed.items() for other, weight in _weighed(others)]
    if len(listed) != len(ids):
        raise ValueError(f"it lists {len(listed)} units, there are {len(ids)}")
    rows = [each if isinstance(each, list) else [each] for each in listed]
    if any(not 0 <= other < len(ids) for each in rows for other in each):
        raise ValueError("a place is not between 0 and the number of units")
    return [(ids[row], ids[other], 1.0) for row, others in enumerate(rows) for other in others]


def _weighed(others: object) -> list[tuple[object, float]]:
    if isinstance(others, Mapping):
        return list(others.items())
    if not isinstance(others, list):
        raise ValueError("an id is followed by a list of neighbours")
    return [(other, 1.0) for other in others]


def _csv(text: str, ids: Sequence[str]) -> Pairs:
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if not rows:
        raise ValueError("it is empty")
    if _is_table(rows):
        return _table(rows)
    known = set(ids) | {str(row) for row in range(len(ids))}
    headed = not known.intersection(rows[0][:2])
    rows = rows[1:] if headed else rows
    width = max(map(len, rows), default=0)
    # Without a head a third column of ids may be weights or neighbours: who can tell.
    weighed = width == 3 and (headed or not all(row[2] in known for row in rows if len(row) == 3))
    if width > 3 or (width == 3 and not weighed) or any(len(row) < 2 for row in rows):
        raise ValueError(FORMS)
    pairs: Pairs = []
    for row in rows:
        weight = _weight(row[2]) if weighed and len(row) == 3 else 1.0
        others = [row[1]] if row[1] in known else [each for each in re.split(r"[;|\s]+", row[1]) if each]
        pairs += [(row[0], other, weight) for other in others]
    return pairs


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows are a square of weights: as many columns as rows, the same names on top and at the left."""
    return len(rows) > 2 and all(len(row) == len(rows) for row in rows) and list(rows[0][1:]) == [row[0] for row in rows[1:]]


def _table(rows: Sequence[Sequence[str]]) -> Pairs:
    names = rows[0][1:]
    weights = [(row[0], names[at], _weight(cell)) for row in rows[1:] for at, cell in enumerate(row[1:])]
    return [each for each in weights if each[2]]


def _weight(cell: str) -> float:
    try:
        weight = float(cell or 0)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"{cell!r} is no weight of 0 or more; {FORMS}")
    return weight


READERS: Mapping[str, Callable[[str, Sequence[str]], Pairs]] = {".gal": _gal, ".gwt": _gwt, ".json": _json, ".csv": _csv}
