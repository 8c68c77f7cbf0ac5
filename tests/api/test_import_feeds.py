"""Import of feeds of incidents: every row accounted for, places doubted but never moved, mappings that do not fit named."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from api.imports.report import write_errors
from gis import crs
from gis.errors import BadMapping
from tests.imported_city import CALLS, GROUND, INCIDENTS, SOUTH, WEST, City


def test_every_row_of_a_feed_is_loaded_unplaced_repeated_or_refused_with_a_reason(city: City, tmp_path: Path) -> None:
    report = city.bring(GROUND + INCIDENTS)
    assert report.refused_files == {}
    calls = next(each for each in report.files if each.source == "calls")
    assert (calls.read, calls.loaded, calls.unchanged, calls.refused, calls.unplaced) == (9, 4, 1, 4, 1)
    assert sum(calls.reasons.values()) == 4
    assert (calls.agreements[0].agree, calls.agreements[0].named) == (3, 4)
    [path] = write_errors(report, tmp_path / "errors.csv") if sum(each.errors is not None for each in report.files) == 1 else [
        each for each in write_errors(report, tmp_path / "errors") if "calls" in each.name
    ]  # fmt: skip
    errors = pd.read_csv(path, dtype=str)
    assert list(errors.columns) == ["row", "id", "kind", "at", "lon", "lat", "state", "hood", "why"]
    assert errors["row"].tolist() == ["4", "5", "6", "8"]
    assert "AGE" not in errors
    assert city.value("SELECT count(*) FROM incident WHERE community_id = 0 AND place IS NULL") == 1
    assert city.value("SELECT reported_at::text FROM incident WHERE source_id = 'c1'").startswith("2024-03-10 16:00")


def test_a_feed_brought_again_adds_only_what_is_new(city: City) -> None:
    city.bring(GROUND + INCIDENTS)
    rows = [*CALLS, ["c8", "noise", "2024-03-13T12:00:00", "-79.995", "40.005", "new", "Hood 1", "1"]]
    rows[1] = [*rows[1][:1], "waste", *rows[1][2:]]
    city.write_calls(rows)
    calls = next(each for each in city.bring(INCIDENTS).files if each.source == "calls")
    assert calls.loaded == 1
    assert any("stored already with other content" in why for why in calls.reasons)
    assert city.value("SELECT count(*) FROM incident") == 5


def test_a_feed_of_another_place_is_refused_as_a_whole(city: City) -> None:
    city.bring(GROUND)
    city.write_calls([CALLS[0], ["c1", "noise", "2024-03-10T12:00:00", "113.1", "28.1", "new", "", ""]])
    assert "most are around 113.100" in city.bring(INCIDENTS).refused_files["calls: calls.csv"]
    city.write_calls([CALLS[0], ["c1", "noise", "2024-03-10T12:00:00", "40.005", "-79.995", "new", "", ""]])
    assert "exchanged" in city.bring(INCIDENTS).refused_files["calls: calls.csv"]
    assert city.value("SELECT count(*) FROM incident") == 0


def test_a_file_without_a_coordinate_system_asks_for_it(city: City) -> None:
    city.bring(GROUND)
    report = city.bring(INCIDENTS.replace('crs = "EPSG:4326"\n', ""))
    assert "does not say its coordinate system" in report.refused_files["calls: calls.csv"]


def test_ground_in_china_must_say_its_datum(city: City) -> None:
    frame = gpd.read_file(city.folder / "hoods.geojson")
    frame.geometry = frame.translate(113 - WEST, 28 - SOUTH)
    (city.folder / "hoods.geojson").write_text(frame.to_json(drop_id=True))
    report = city.bring(GROUND)
    assert 'datum = "wgs84", "gcj02" or "bd09"' in report.refused_files["hoods: hoods.geojson"]


def test_places_of_another_datum_are_doubted_never_moved(city: City) -> None:
    for name in ("wards", "hoods", "blocks"):
        frame = gpd.read_file(city.folder / f"{name}.geojson")
        frame.geometry = frame.translate(113 - WEST, 28 - SOUTH)
        (city.folder / f"{name}.geojson").write_text(frame.to_json(drop_id=True))
    ground = "\n".join(f'{line}\ndatum = "wgs84"' if line.startswith("source =") else line for line in GROUND.splitlines())
    assert city.bring(ground).refused_files == {}
    lon, lat = crs.wgs84_to_gcj02([113.0005 + 0.0001 * k for k in range(190)], [28.0005 + 0.0001 * k for k in range(190)])
    city.write_calls([CALLS[0]] + [[f"g{k}", "noise", "2024-03-10T12:00:00", str(x), str(y), "new", "", ""]
                                   for k, (x, y) in enumerate(zip(lon, lat, strict=True))])  # fmt: skip
    calls = next(each for each in city.bring(INCIDENTS, dry_run=True).files if each.source == "calls")
    assert any('datum = "gcj02"' in note for note in calls.notes)
    told = INCIDENTS.replace('crs = "EPSG:4326"', 'crs = "EPSG:4326"\ndatum = "gcj02"')
    calls = next(each for each in city.bring(told).files if each.source == "calls")
    assert (calls.loaded, calls.unplaced) == (190, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('source_id = "id"', 'source_ID = "id"', "no field"), ('noun = "incident"', 'noun = "event"', "noun"), ("[[layer]]", "[[layers]]", "mapping.toml: layer"),
     ('category = "kind"', 'category = "AGE"', "columns with persons"), ('category = "kind"', 'category = "sort"', "no column sort"),
     ('reported_at = "at"\n', "", "needs the field"), ('files = "calls.csv"', 'files = "none.csv"', "No file for incident")],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_says_which_key(city: City, old: str, new: str, said: str) -> None:
    city.bring(GROUND)
    try:
        report = city.bring(INCIDENTS.replace(old, new))
        message = report.refused_files["calls: calls.csv"]
    except BadMapping as refused:
        message = refused.message
    assert said in message
