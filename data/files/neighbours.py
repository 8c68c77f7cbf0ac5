"""Reads who is whose neighbour from a file: .gal and .gwt as GeoDa and spdep write them, .json, or a .csv of pairs."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gis.errors import BadFile
from gis.hotspots.weights import Neighbours, pairs_given

MAX_BYTES = 500_000_000
Pairs = list[tuple[str, str]]


def neighbours_from(path: Path, ids: Sequence[str]) -> Neighbours:
    """Neighbours of the units named `ids`, in their order; weights other than neighbour or not are left out.

    .gal: a head line, then for each unit "id number" and a line of neighbours. .gwt: a head line, then "id neighbour distance".
    .json: {"id": ["neighbour", …]} or a list of lists of places counted from 0. .csv: two columns with a header, id and neighbour.
    Raises BadFile for a broken file or an id that is no unit.
    """
    if not path.is_file():
        raise BadFile(f"There is no file {path} with neighbours. Weights are queen, rook, knn:K, distance:METRES or such a file.")
    if path.stat().st_size > MAX_BYTES:
        raise BadFile(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB.")
    readers = {".gal": _gal, ".gwt": _gwt, ".json": _json, ".csv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadFile(f"Neighbours are read from {', '.join(readers)}; not from {path.name}.")
    try:
        pairs = reader(path.read_text("utf-8-sig"), ids)
    except (ValueError, IndexError, StopIteration, TypeError, AttributeError) as broken:
        raise BadFile(f"{path.name} is no {path.suffix} file of neighbours: {broken or type(broken).__name__}") from broken
    place = {name: row for row, name in enumerate(ids)}
    if len(place) < len(ids):
        raise BadFile("The ids of the units are not unique, so that a file of neighbours cannot name them. Say which column with --id.")
    strangers = sorted({name for pair in pairs for name in pair} - place.keys())
    if strangers:
        named = ", ".join(strangers[:5])
        raise BadFile(f"{path.name} names {len(strangers)} ids that are no units, such as {named}. Say which column holds them with --id.")
    return pairs_given([place[one] for one, _ in pairs], [place[other] for _, other in pairs], len(ids), kind=f"file:{path.name}")


def _gal(text: str, ids: Sequence[str]) -> Pairs:
    words = iter(text.split("\n", 1)[1].split())
    pairs: Pairs = []
    for name in words:
        pairs += [(name, next(words)) for _ in range(int(next(words)))]
    return pairs


def _gwt(text: str, ids: Sequence[str]) -> Pairs:
    lines = (line.split() for line in text.splitlines()[1:])
    return [(line[0], line[1]) for line in lines if line]


def _json(text: str, ids: Sequence[str]) -> Pairs:
    listed = json.loads(text)
    if isinstance(listed, Mapping):
        return [(str(name), str(other)) for name, others in listed.items() for other in others]
    if len(listed) != len(ids):
        raise ValueError(f"it lists {len(listed)} units, there are {len(ids)}")
    rows = [each if isinstance(each, list) else [each] for each in listed]
    if any(not 0 <= other < len(ids) for each in rows for other in each):
        raise ValueError("a place is not between 0 and the number of units")
    return [(ids[row], ids[other]) for row, others in enumerate(rows) for other in others]


def _csv(text: str, ids: Sequence[str]) -> Pairs:
    rows = csv.reader(text.splitlines()[1:])
    return [(row[0].strip(), row[1].strip()) for row in rows if row]
