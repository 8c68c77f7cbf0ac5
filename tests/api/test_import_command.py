"""`./wangge import` as people and scripts call it: previews need nothing, mistakes are named, programs get one object."""

import json
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import import_
from gis.errors import BadFile, BadMapping
from tests.conftest import Clone

MAPPING = """
[[layer]]
noun = "incident"
source = "calls"
files = "calls.csv"
crs = "EPSG:4326"
shape = { x = "lon", y = "lat" }
catalogue = { code = "calls", name = "来电", create = true }
fields = { source_id = "id", category = "kind", reported_at = "at" }
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text("id,kind,at,lon,lat\n1,noise,2026-01-05T10:00:00,113.001,28.001\n2,noise,never,113.001,28.001\n")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return path


def test_a_preview_shows_what_a_file_is_without_any_deployment(calls: Path) -> None:
    shown = CliRunner().invoke(import_.app, [str(calls), "--preview", "1"])
    assert shown.exit_code == 0
    assert "calls.csv: csv" in shown.output
    assert "kind" in shown.output
    assert "noise" in shown.output


def test_a_newcomer_gets_a_mapping_that_works_after_editing(fresh: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = tmp_path / "工单.csv"
    feed.write_text("工单编号,案件类型,上报时间,经度,纬度,状态,电话\n1,噪音,2026-01-05 10:00,113.001,28.001,已结案,13800000001\n")
    suggested = CliRunner().invoke(import_.app, [str(feed), "--suggest"])
    assert suggested.exit_code == 0
    assert "13800000001" not in suggested.output
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(suggested.stdout)
    monkeypatch.setattr(import_, "Deployment", standing_in(fresh, tmp_path))
    result = CliRunner().invoke(import_.app, [str(feed), "--mapping", str(mapping)])
    assert result.exit_code == 0, result.output
    assert "1 read, 1 loaded" in result.output
    assert "hot spots" in result.output
    with fresh.owner() as connection:
        stored = connection.execute("SELECT title, state FROM incident WHERE source = 'my-source'").fetchone()
        runs = connection.execute(
            "SELECT count(*) FROM analysis WHERE is_map AND origin = 'nightly' AND state IN ('done', 'refused')"
        ).fetchone()
    assert stored == ("", "closed")
    assert runs is not None
    assert runs[0] >= 1


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [(["calls.csv"], BadMapping, "--mapping FILE"), (["none.toml"], BadMapping, "no mapping file"), (["."], BadFile, "is a folder"),
     (["mapping.toml", "--files", "nowhere"], BadFile, "no folder"), (["mapping.toml", "--mend", "glue"], BadMapping, "no mending step")],
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_named(
    calls: Path, empty: Clone, monkeypatch: pytest.MonkeyPatch, words: list[str], kind: type[Exception], said: str
) -> None:
    monkeypatch.chdir(calls.parent)
    monkeypatch.setattr(import_, "Deployment", standing_in(empty, calls.parent))
    result = CliRunner().invoke(import_.app, words)
    assert isinstance(result.exception, kind)
    assert said in str(result.exception)


def test_programs_get_one_object_and_refused_rows_are_always_kept(fresh: Clone, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "Deployment", standing_in(fresh, calls.parent))
    result = CliRunner().invoke(import_.app, [str(calls), "--mapping", str(calls.parent / "mapping.toml"), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.output)
    [file] = facts["files"]
    assert (file["read"], file["loaded"], file["refused"]) == (2, 1, 1)
    [errors] = facts["written"]["errors"]
    assert "'never' is not a time" in Path(errors).read_text("utf-8-sig")


def test_a_refused_file_ends_with_status_1(fresh: Clone, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "Deployment", standing_in(fresh, calls.parent))
    calls.write_text("id,kind,at,lon,lat\n1,noise,2026-01-05T10:00:00,-79.9,40.4\n")
    result = CliRunner().invoke(import_.app, [str(calls), "--mapping", str(calls.parent / "mapping.toml")])
    assert result.exit_code == 1
    assert "REFUSED calls: calls.csv: Only 0 of 1 places lie near the district" in result.output


def standing_in(clone: Clone, folder: Path) -> type:
    """A deployment whose database is a clone of the tests."""

    class Standing:
        data = folder

        def __init__(self, _: Path | None = None) -> None:
            pass

        def wake(self) -> types.SimpleNamespace:
            return types.SimpleNamespace(schema=clone.schema_url, app=clone.app_url)

    return Standing
