"""Benches take turns, so that what disturbs one disturbs all, and report a ratio where less is better."""

import json
from pathlib import Path

import pytest

from api.commands import bench
from api.commands.bench import names
from bench.harness import BenchContext, Report, interleaved


def test_contestants_take_turns_and_the_order_is_turned_round() -> None:
    calls: list[str] = []
    timing = interleaved(
        ours=lambda: calls.append("o"), peer=lambda: calls.append("p"), limit=lambda: calls.append("l"), rounds=2, warm_up=1
    )
    assert "".join(calls) == "opl" + "opl" + "lpo"
    assert [len(each) for each in timing.rounds.values()] == [2, 2, 2]
    assert timing.limit is not None


def test_cpu_time_counts_our_own_work() -> None:
    timing = interleaved(ours=lambda: sum(range(2_000_000)), peer=lambda: sum(range(20_000)), rounds=3, clock="cpu")
    assert timing.ours > timing.peer


def test_a_ratio_is_ours_over_peer() -> None:
    report = Report("lookup")
    report.add("one place", ours=0.5, peer=2.0, unit="ms")
    assert report.rows == [{"case": "one place", "ours": 0.5, "peer": 2.0, "unit": "ms", "ratio": 0.25}]


def test_a_bench_runs_on_a_throw_away_database_and_prints_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "sample.py").write_text('"""A sample against itself."""\nraise RuntimeError("listing does not import")\n')
    monkeypatch.setattr(bench, "PROJECT", tmp_path)
    assert names() == {"sample": "A sample against itself."}

    def measure(name: str, context: BenchContext) -> Report:
        assert context.throw_away
        with context.fresh_database("case") as database:
            assert context.databases.url("schema", database).startswith("postgresql+psycopg://wangge_schema@/bench_case")
        report = Report(name)
        report.add("same", ours=1.0, peer=1.0, unit="s")
        return report

    monkeypatch.setattr(bench, "_measure", measure)
    bench.run("sample", listing=False, data=None, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["bench"] == "sample"
    assert printed["rows"][0]["ratio"] == 1.0
