"""One time zone cuts the days of a deployment: the one its database keeps, for every route, count and import."""

from pathlib import Path

import pytest

from api.deployment import Deployment, Urls
from api.imports.mapping import known_zone
from data import zone
from data.queries import rebuilding
from gis.errors import BadValue, Conflict
from tests.conftest import Client, Clone
from tests.factories import District
from tests.imported_city import GROUND, City

NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"
EVENING = "2026-03-01 20:00+00"
"""In Shanghai it is the second of March already, in New York the first."""


@pytest.fixture
def reported(fresh: Clone, district: District) -> Clone:
    """The district with one incident of that evening more."""
    with fresh.owner() as owner:
        owner.execute("SELECT incident_partition(2026)")
        owner.execute(
            "INSERT INTO incident (cell, reported_at, source, source_id, category_id, community_id, grid_id, state)"
            " SELECT 1, %s, 'evening', '1', (SELECT min(category_id) FROM incident), community_id, id, 'filed'"
            "   FROM grid WHERE valid_to IS NULL ORDER BY id LIMIT 1",
            [EVENING],
        )
    return fresh


def kept_by_day(clone: Clone) -> list[tuple[str, int]]:
    with clone.owner() as owner:
        return owner.execute(
            "SELECT day::text, sum(reported)::int FROM (SELECT day, reported FROM statistics_day"
            " UNION ALL SELECT day, reported FROM statistics_delta) AS counted WHERE day BETWEEN '2026-02-28' AND '2026-03-03'"
            " GROUP BY 1 HAVING sum(reported) <> 0 ORDER BY 1"
        ).fetchall()


def asked_by_day(client: Client) -> dict[str, int]:
    told = {}
    for day in ("2026-03-01", "2026-03-02"):
        answer = client("operator").get("/api/v1/counts", params={"by": "grid", "from": day, "to": day})
        assert answer.status_code == 200, answer.text
        told[day] = sum(row["n"] for row in answer.json()["items"])
    return told


def test_routes_and_counts_cut_days_by_the_zone_of_the_database_before_and_after_a_change(reported: Clone, fresh_client: Client) -> None:
    assert kept_by_day(reported) == [("2026-03-02", 1)]
    assert asked_by_day(fresh_client) == {"2026-03-01": 0, "2026-03-02": 1}
    assert rebuilding.statistics(reported.schema_url, NEW_YORK).differed > 0
    assert kept_by_day(reported) == [("2026-03-01", 1)]
    assert asked_by_day(fresh_client) == {"2026-03-01": 1, "2026-03-02": 0}
    assert rebuilding.statistics(reported.schema_url).differed == 0
    assert fresh_client("operator").get("/api/v1/me").json()["deployment"]["timezone"] == NEW_YORK


def test_a_zone_that_does_not_exist_changes_nothing(reported: Clone) -> None:
    with pytest.raises(BadValue, match="no time zone 'Mars/Base'"):
        rebuilding.statistics(reported.schema_url, "Mars/Base")
    assert zone.kept(reported.schema_url) == (SHANGHAI, True)
    for wrong in ("Mars/Base", "../etc/passwd", "", "\0"):
        with pytest.raises(ValueError, match="there is no time zone"):
            known_zone(wrong)


class OnClone(Deployment):
    """A deployment whose database is a clone of this run."""

    def __init__(self, folder: Path, clone: Clone) -> None:
        super().__init__(folder)
        self.urls = Urls(clone.schema_url, clone.app_url)


def test_an_empty_database_takes_the_zone_of_the_setting_and_a_settled_one_refuses_another(
    empty: Clone, fresh: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANGGE_TIME_ZONE", raising=False)
    OnClone(tmp_path, empty).settle_time_zone()
    assert zone.kept(empty.schema_url) == (SHANGHAI, False)
    monkeypatch.setenv("WANGGE_TIME_ZONE", NEW_YORK)
    for _ in range(2):
        OnClone(tmp_path, empty).settle_time_zone()
        assert zone.kept(empty.schema_url) == (NEW_YORK, True)
    with pytest.raises(
        Conflict, match=r"are those of Asia/Shanghai; WANGGE_TIME_ZONE says America/New_York.*statistics rebuild --time-zone"
    ):
        OnClone(tmp_path, fresh).settle_time_zone()
    assert zone.kept(fresh.schema_url) == (SHANGHAI, True)


def test_an_import_that_names_another_zone_than_the_deployment_has_is_refused_and_one_that_names_none_goes_by_it(city: City) -> None:
    city.bring(GROUND)
    refused = city.bring(GROUND.replace(NEW_YORK, "Asia/Tokyo")).refused_files
    assert len(refused) == 3
    assert "are those of America/New_York; the mapping says Asia/Tokyo" in next(iter(refused.values()))
    assert "statistics rebuild --time-zone Asia/Tokyo" in next(iter(refused.values()))
    assert not city.bring(GROUND.replace(f'time_zone = "{NEW_YORK}"', "")).refused_files
    assert city.value("SELECT value #>> '{}' FROM deployment WHERE key = 'timezone'") == NEW_YORK
