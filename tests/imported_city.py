"""A made-up city in files, and a database to import it into: what every test of the import begins with."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from api.imports import mapping as mappings
from api.imports import service
from api.imports.report import FileReport, Report
from data.database import Database
from data.files.desk import Desk
from data.scope import Scope
from data.sealing import Keyring, keyring
from tests.conftest import Clone

WEST, SOUTH, SIDE = -80.0, 40.0, 0.01
GROUND = """
[district]
code = "9901"
name = "试城"
name_en = "Trial City"
time_zone = "America/New_York"
[district.scheme]
code = "block"
name = "街区"
household_min = 10
household_max = 90
[ground]
mend = ["snap", "slivers", "fit", "outline", "valid"]
split_from = 0.3
[[layer]]
noun = "street"
source = "wards"
files = "wards.geojson"
fields = { code = "id", name = "name", name_en = "name", source_id = "id" }
[[layer]]
noun = "community"
source = "hoods"
files = "hoods.geojson"
refuse = [{ column = "name", equals = "Enclave", why = "Not part of the city." }]
fields = { code = "id", name = "name", name_en = "name", source_id = "id" }
[[layer]]
noun = "grid"
source = "blocks"
files = "blocks.geojson"
fields = { code = "id", name = "id", source_id = "id" }
"""
INCIDENTS = """
[[layer]]
noun = "incident"
source = "calls"
files = "calls.csv"
crs = "EPSG:4326"
shape = { x = "lon", y = "lat" }
catalogue = { code = "calls", name = "来电", create = true }
check_area = [{ column = "hood", level = "community" }]
[layer.fields]
source_id = "id"
category = "kind"
reported_at = "at"
state = { column = "state", lookup = { done = "closed", new = "reported" }, unknown = "refuse" }
"""
CALLS = [
    ["id", "kind", "at", "lon", "lat", "state", "hood", "AGE"],
    ["c1", "noise", "2024-03-10T12:00:00", "-79.995", "40.005", "new", "Hood 1", "33"],
    ["c2", "waste", "2024-03-10T13:00:00", "-79.985", "40.005", "done", "Hood 2", "44"],
    ["c3", "noise", "2024-03-11T12:00:00", "", "", "new", "", "55"],
    ["c4", "noise", "not a time", "-79.995", "40.005", "new", "Hood 1", "66"],
    ["c5", "noise", "2024-03-11T12:00:00", "-79.90", "40.005", "new", "", "77"],
    ["c6", "noise", "2024-03-11T12:00:00", "-79.995", "40.005", "lost", "Hood 1", "88"],
    ["c1", "noise", "2024-03-10T12:00:00", "-79.995", "40.005", "new", "Hood 1", "33"],
    ["c2", "noise", "2024-03-10T13:00:00", "-79.985", "40.005", "done", "Hood 1", "44"],
    ["c7", "noise", "2024-03-12T12:00:00", "-79.995", "40.005", "new", "Hood 2", "99"],
]


class City:
    """A folder of files and a database to import them into."""

    def __init__(self, folder: Path, clone: Clone, database: Database, desk: Desk) -> None:
        self.folder, self.clone, self.database, self.desk = folder, clone, database, desk

    def write(self, name: str, rows: Mapping[str, shapely.Geometry], /, **columns: list[Any]) -> None:
        frame = gpd.GeoDataFrame({"id": list(rows), **columns}, geometry=list(rows.values()), crs=4326)
        (self.folder / name).write_text(frame.to_json(drop_id=True))

    def write_ground(self, *, nudge: float = 0.0) -> None:
        """Two wards of two hoods each, an enclave, and blocks of half a hood; `nudge` degrees of overlap and gap between blocks."""
        self.write("wards.geojson", {"W1": tile(0, 0, 2, 1), "W2": tile(0, 1, 2, 1)}, name=["Ward 1", "Ward 2"])
        hoods = {"H1": tile(0, 0), "H2": tile(1, 0), "H3": tile(0, 1), "H4": tile(1, 1), "H5": tile(5, 5)}
        self.write("hoods.geojson", hoods, name=["Hood 1", "Hood 2", "Hood 3", "Hood 4", "Enclave"])
        blocks = {}
        for column in range(4):
            for row in range(2):
                extra = nudge if column % 2 else -nudge
                blocks[f"B{column}{row}"] = tile(column / 2, row, 0.5 + extra, 1)
        self.write("blocks.geojson", blocks)

    def write_calls(self, rows: list[list[str]] = CALLS) -> None:
        with (self.folder / "calls.csv").open("w", newline="") as opened:
            csv.writer(opened).writerows(rows)

    def bring(self, text: str, *, dry_run: bool = False, paths: list[Path] | None = None) -> Report:
        path = self.folder / "mapping.toml"
        path.write_text(text)
        mapping, digest = mappings.load(path)
        work = service.Run(self.database, Scope(token="", everything=True), self.desk, mapping, digest, lambda _: None, self.keys)
        return service.run(work, service.jobs(mapping, paths or [], self.folder), dry_run=dry_run)

    def keys(self) -> Keyring:
        return keyring(self.folder)

    def run(self, path: Path, folder: Path) -> Report:
        """Import all that a mapping file names."""
        mapping, digest = mappings.load(path)
        work = service.Run(self.database, Scope(token="", everything=True), self.desk, mapping, digest, lambda _: None, self.keys)
        return service.run(work, service.jobs(mapping, [], folder))

    def value(self, question: str) -> Any:
        return self.row(question)[0]

    def row(self, question: str) -> tuple[Any, ...]:
        with self.clone.owner() as connection:
            row = connection.execute(question).fetchone()
        assert row is not None
        return row


def tile(column: float, row: float, columns: float = 1, rows: float = 1) -> shapely.Polygon:
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(west, south, west + columns * SIDE, south + rows * SIDE)


def counted(report: Report, source: str) -> tuple[int, int, int, int]:
    found = next(each for each in report.files if each.source == source)
    return found.read, found.loaded, found.unchanged, found.refused


def told(report: Report, source: str) -> FileReport:
    """What became of one file."""
    return next(each for each in report.files if each.source == source)
