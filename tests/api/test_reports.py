"""Reports over HTTP: what they say is what the rows say, whoever asks sees their part, and every file opens."""

import io
import json
import re
from collections.abc import Iterator

import numpy as np
import openpyxl
import pyogrio
import pytest
from pypdf import PdfReader

from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from api.report_files import report_files
from api.work import Work
from tests import insight
from tests.conftest import Clone, cloned
from tests.insight import InsightCity, grid_id

HOT = [grid_id(column, row) for column in (4, 5, 6) for row in (4, 5, 6)]
SCAN = {"method": "scan", "seed": 5, "parameters": {"permutations": 99}}


@pytest.fixture(scope="module")
def clone(cluster, migrated) -> Iterator[Clone]:
    with cloned(cluster, migrated, "reports") as made:
        yield made


@pytest.fixture(scope="module")
def city(clone: Clone) -> InsightCity:
    made = insight.make_city(clone)
    made.background(20)
    made.add(np.arange(40 * len(HOT)) % 90, np.repeat(HOT, 40), seed=3)
    return made


@pytest.fixture(scope="module")
def work(city: InsightCity) -> Iterator[Work]:
    opened = Work(city.clone.schema_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def person(city: InsightCity, data_dir) -> Iterator[object]:
    with insight.people(city, data_dir) as make:
        yield make


def answered(work: Work, **question: object) -> int:
    with work.unit() as (session, scope):
        id = service.keep(
            session, scope, complete(session, scope, QuestionIn.model_validate(question)), origin="command", asked_by=None
        )  # fmt: skip
    assert working.work_out(work, id) == "done"
    return id


@pytest.fixture(scope="module")
def scan(work: Work) -> int:
    return answered(work, **SCAN)


def asked(city: InsightCity, query: str, *values):
    with city.clone.owner() as connection:
        return connection.execute(query, values).fetchone()


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(answer.content)).pages)


def test_what_the_sentences_say_is_what_the_rows_say(city, person, scan):
    page = person().get(f"/reports/{scan}", params={"lang": "en"}).text
    found = person().get(f"/api/v1/analyses/{scan}").json()["result"]
    first = found["clusters"][0]
    total, households = asked(city, "SELECT count(*), (SELECT sum(households) FROM grid WHERE valid_to IS NULL) FROM incident")
    inside, lived = asked(
        city,
        "SELECT (SELECT count(*) FROM incident WHERE grid_id = ANY (%s)), (SELECT sum(households) FROM grid WHERE id = ANY (%s))",
        first["members"], first["members"],
    )  # fmt: skip
    expected = total * float(lived) / float(households)
    assert f"{total:,} incidents" in page
    said = re.search(r"No\. 1, [^:]*: ([\d,]+) incidents, ([\d.]+) times the expected ([\d,.]+)", page)
    assert said, "the first cluster has a sentence"
    assert int(said[1].replace(",", "")) == inside
    assert float(said[3].replace(",", "")) == pytest.approx(expected, abs=0.06)
    assert float(said[2]) == pytest.approx(inside / expected, rel=0.05)
    due, kept = asked(
        city,
        "SELECT count(*) FILTER (WHERE due_at < '2026-04-01+08'), count(*) FILTER (WHERE due_at < '2026-04-01+08' AND closed_at <= due_at)"
        " FROM incident WHERE grid_id = ANY (%s)",
        first["members"],
    )  # fmt: skip
    assert (first["deadlines"]["due"], first["deadlines"]["kept"]) == (due, kept)


def test_the_page_and_the_paper_say_the_same(person, scan):
    page = person().get(f"/reports/{scan}", params={"lang": "zh"}).text
    paper = text_of(person().get(f"/api/v1/reports/{scan}/files/report.pdf", params={"language": "zh"}))
    lead = re.search(r'<ul class="lead-list">(.*?)</ul>', page, re.DOTALL)[1]
    for sentence in re.findall(r"<li>(.*?)</li>", lead):
        assert "".join(sentence.split()) in paper
    assert "\u7f51\u683c" in paper


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_file_opens_and_holds_the_clusters(person, scan, language, tmp_path):
    clusters = person().get(f"/api/v1/analyses/{scan}").json()["result"]["clusters"]
    get = lambda name: person().get(f"/api/v1/reports/{scan}/files/{name}", params={"language": language})
    book = openpyxl.load_workbook(io.BytesIO(get("report.xlsx").content))
    assert [row[0].value for row in book.worksheets[1].iter_rows(min_row=2)] == [each["rank"] for each in clusters]
    path = tmp_path / "report.gpkg"
    path.write_bytes(get("report.gpkg").content)
    assert set(pyogrio.list_layers(path)[:, 0]) == {"units", "clusters", "layer_styles"}
    kinds = dict(zip(*(pyogrio.read_info(path, layer="clusters")[each] for each in ("fields", "dtypes")), strict=True))
    assert {name: kinds[name] for name in ("observed", "expected", "interval_low", "interval_high", "q", "class", "recurrence_days")} == {
        "observed": "int64", "expected": "float64", "interval_low": "float64", "interval_high": "float64", "q": "float64", "class": "int64",
        "recurrence_days": "float64",
    }  # fmt: skip
    table = get("clusters.csv").content.decode("utf-8-sig").splitlines()
    assert len(table) == len(clusters) + 1
    assert text_of(get("report.pdf"))


def test_the_same_report_is_the_same_bytes(person, scan):
    first, second = (person().get(f"/api/v1/reports/{scan}/files/report.pdf", params={"language": "en"}).content for _ in range(2))
    assert first == second


def test_every_file_taken_is_in_the_audit(city, person, scan):
    before = asked(city, "SELECT count(*) FROM audit WHERE action = 'export' AND noun = 'analysis'")[0]
    person().get(f"/api/v1/reports/{scan}/files/units.csv")
    assert asked(city, "SELECT count(*) FROM audit WHERE action = 'export' AND noun = 'analysis'")[0] == before + 1


def test_a_file_there_is_not_is_told_with_those_there_are(person, scan):
    answer = person().get(f"/api/v1/reports/{scan}/files/moods.csv")
    assert answer.status_code == 404 and "clusters.csv" in answer.json()["files"]
    assert person().get(f"/api/v1/reports/{scan}/files/../../secret").status_code == 404
    assert person().get("/api/v1/reports/999999/files/report.pdf").status_code == 404


def test_the_map_holds_every_unit_and_the_clusters(person, scan):
    told = person().get(f"/api/v1/reports/{scan}/map").json()
    result = person().get(f"/api/v1/analyses/{scan}").json()["result"]
    assert len(told["units"]["features"]) == len(result["units"])
    assert told["clusters"]["features"][0]["properties"]["rank"] == 1
    assert {each["fill"] for each in told["key"]} == {each["properties"]["fill"] for each in told["units"]["features"]}


def test_who_sees_a_part_reads_a_part(person, scan):
    page = person("one").get(f"/reports/{scan}", params={"lang": "en"})
    assert page.status_code == 200
    assert "You see the part of your own area" in page.text
    whole = person().get(f"/api/v1/reports/{scan}/map").json()["units"]["features"]
    assert 0 < len(person("one").get(f"/api/v1/reports/{scan}/map").json()["units"]["features"]) < len(whole)


def test_an_analysis_without_a_result_says_how_far_it_is(person, work):
    with work.unit() as (session, scope):
        id = service.keep(
            session, scope, complete(session, scope, QuestionIn.model_validate(SCAN | {"seed": 6})), origin="command", asked_by=None
        )
    page = person().get(f"/reports/{id}")
    assert page.status_code == 200 and 'id="waiting"' in page.text
    answer = person().get(f"/api/v1/reports/{id}/files/report.pdf")
    assert answer.status_code == 409 and answer.json()["state"] == "asked"


def test_two_periods_stand_side_by_side_and_other_methods_do_not(person, work, scan):
    other = answered(work, **SCAN, **{"from": "2026-01-01", "to": "2026-01-31"})
    answer = person().get("/api/v1/reports/compared/report.pdf", params={"first": scan, "second": other, "language": "en"})
    assert "incidentsaday" in text_of(answer)
    assert person().get("/reports/compared", params={"first": scan, "second": other}).status_code == 200
    knox = answered(work, method="knox", parameters={"permutations": 99})
    assert person().get("/api/v1/reports/compared/report.pdf", params={"first": scan, "second": knox}).status_code == 422


def test_schedules_get_the_whole_report(work, scan):
    with work.unit() as (session, scope):
        files = report_files(session, scope, scan, "zh")
    assert {"result.json", "report.pdf", "report.xlsx", "report.gpkg", "clusters.csv"} <= set(files)
    assert json.loads(files["result.json"])["contract"] == 1


def test_the_form_knows_the_sources(city, person):
    known = set(person().get("/api/v1/reports/sources").json()["items"])
    assert known == set(asked(city, "SELECT array_agg(DISTINCT source) FROM incident")[0])
