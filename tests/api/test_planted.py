"""What the demo district plants is found through the whole path: stored rows, a question, the worker's work, the stored answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from api.cluster import Cluster
from api.work import Work
from data.demo.load import load_demo
from data.queries import analyses
from data.sealing import keyring
from tests.conftest import Clone, cloned

Truth = dict[str, dict]


NOW = datetime(2026, 11, 2, 4, tzinfo=UTC)
"""The district is made for one moment: chance lies otherwise at another, and a neighbour or two more may come along."""


@pytest.fixture(scope="module")
def planted_demo(cluster: Cluster, migrated: str, data_dir: Path) -> Iterator[Clone]:
    """The small demo as it stands at NOW."""
    with cloned(cluster, migrated, "planted") as clone:
        load_demo(clone.schema_url, clone.app_url, "small", now=NOW, keys=keyring(data_dir))
        with clone.owner() as connection:
            connection.execute("INSERT INTO deployment (key, value) VALUES ('now', to_jsonb(%s::text))", [NOW.isoformat()])
        yield clone


@pytest.fixture(scope="module")
def work(planted_demo: Clone) -> Iterator[Work]:
    opened = Work(planted_demo.schema_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def truth(planted_demo: Clone) -> Truth:
    """Each planted cluster by its kind, with the ids of its grids."""
    with planted_demo.owner() as connection:
        planted = connection.execute("SELECT value FROM deployment WHERE key = 'demo_clusters'").fetchone()[0]
        ids = dict(connection.execute("SELECT code, id FROM grid WHERE valid_to IS NULL").fetchall())
    return {each["kind"]: each | {"members": {ids[code] for code in each["grid_codes"]}} for each in planted}


def found(work: Work, planted: dict, **question: object) -> dict:
    """The answer to a question about a planted cluster's category since it began."""
    since = datetime.fromtimestamp(planted["start"] / 1e6, UTC).date()
    with work.unit() as (session, scope):
        asked = complete(session, scope, QuestionIn.model_validate({"category_ids": [planted["category_id"]], "from": since} | question))
        id = service.keep(session, scope, asked, origin="command", asked_by=None)
    assert working.work_out(work, id) == "done"
    with work.unit() as (session, scope):
        return analyses.document(session, scope, id)


def bernoulli(work: Work, planted: dict) -> dict:
    return found(work, planted, method="scan", denominator="incidents", parameters={"model": "bernoulli", "max_share": 0.3})


@pytest.mark.parametrize("kind", ["constant", "near_repeat", "noisy_building", "emerging"])
def test_a_planted_cluster_is_found_in_its_place(work, truth, kind):
    members = truth[kind]["members"]
    clusters = [each for each in bernoulli(work, truth[kind])["clusters"] if each["p"] <= 0.05]
    caught = [each for each in clusters if members & set(each["members"])]
    assert members <= {grid for each in caught for grid in each["members"]}
    assert all(len(set(each["members"]) - members) <= 2 for each in caught)
    assert all(each["relative_risk"] > 1.3 for each in caught)


def test_the_noisy_building_heads_the_repeat_addresses(work, truth):
    table = found(work, truth["noisy_building"], method="repeats")["table"]
    assert table[0]["building_id"] == truth["noisy_building"]["building_id"]
    assert table[0]["observed"] > 2 * table[1]["observed"]
    assert {table[0]["grid_id"]} == truth["noisy_building"]["members"]
