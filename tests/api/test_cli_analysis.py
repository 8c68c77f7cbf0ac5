"""`analysis` and `watch` as typed: asked, shown, listed, cancelled, removed; mistakes are named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.analyses import working
from api.commands import analysis, plan_review, watch
from api.tokens import FIRST_PERSON, sign_in_link
from api.work import Work
from gis.errors import BadFile, BadValue, Conflict, NotFound, Refusal
from tests.insight import InsightCity, grid_id

Typed = Callable[..., Result]


@pytest.fixture
def city(insight_city: InsightCity) -> InsightCity:
    sign_in_link(insight_city.clone.schema_url, FIRST_PERSON)
    return insight_city


@pytest.fixture
def typed(city: InsightCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """`typed(app, "ask", "gi")`: what a command prints; its refusals are raised."""

    class Standing:
        class urls:  # noqa: N801
            schema, app = city.clone.schema_url, city.clone.app_url

        def __init__(self, data: Path | None = None) -> None:
            self.data = tmp_path

        def wake(self) -> object:
            return self.urls

    for module in (plan_review, watch):
        monkeypatch.setattr(module, "Deployment", Standing)

    def run(app, *words: str) -> Result:
        done = CliRunner().invoke(app, list(words))
        if isinstance(done.exception, Refusal):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    return run


def test_a_question_is_asked_shown_listed_and_removed(city, typed, tmp_path):
    city.background(20)
    told = json.loads(typed(analysis.app, "ask", "rates", "--json").stdout)
    assert told["state"] == "asked"
    id = str(told["id"])
    work = Work(city.clone.schema_url)
    assert working.work_out(work, told["id"]) == "done"
    work.close()
    assert "incidents, 64 areas" in typed(analysis.app, "show", id).stdout
    typed(analysis.app, "show", id, "-o", str(tmp_path / "result.json"))
    assert json.loads((tmp_path / "result.json").read_text())["method"]["name"] == "rates"
    assert "rates" in typed(analysis.app, "list").stdout
    assert "answered before" in typed(analysis.app, "ask", "rates").stdout
    with pytest.raises(Conflict) as refused:
        typed(analysis.app, "remove", id)
    typed(analysis.app, "remove", id, "--confirm", str(refused.value.facts["confirm"]))
    with pytest.raises(NotFound):
        typed(analysis.app, "show", id)


def test_a_question_that_waits_is_cancelled(city, typed):
    id = str(json.loads(typed(analysis.app, "ask", "gi", "--json").stdout)["id"])
    assert typed(analysis.app, "cancel", id).stdout.strip() == "cancelled"
    with pytest.raises(Conflict):
        typed(analysis.app, "cancel", id)


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [(["ask", "gi", "--from", "yesterday"], BadValue, "yesterday"), (["ask", "gi", "--parameters", "{"], BadValue, "no JSON"),
     (["ask", "gi", "--category", "999999"], BadValue, "category"), (["ask", "gi", "--area", "1"], NotFound, "area"),
     (["ask", "gi", "--unit", "street"], BadValue, "unit"), (["ask", "gi", "--question", "none.json"], BadFile, "none.json")],
)  # fmt: skip
def test_a_mistake_is_named(city, typed, words, kind, said):
    with pytest.raises(kind, match=said):
        typed(analysis.app, *words)


def test_the_watch_tells_what_it_raised(city, typed):
    city.background(12)
    city.add([5] * 9, [grid_id(3, 3)] * 9, seed=3)
    told = json.loads(typed(watch.app, "run", "--as-of", "2026-03-26", "--json").stdout)
    assert (told["day"], told["categories"], len(told["raised"])) == ("2026-03-26", 1, 1)
    with pytest.raises(BadValue, match="2026-31-01"):
        typed(watch.app, "run", "--as-of", "2026-31-01")
