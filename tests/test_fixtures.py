"""The shared fixtures keep what they promise."""

from sqlalchemy import text

from data.database import Database
from data.scope import Scope
from tests import factories
from tests.conftest import Clone


def test_the_hand_made_district_is_an_exact_coverage(fresh: Clone, district: factories.District) -> None:
    with fresh.owner() as connection:
        assert connection.execute(
            "SELECT count(*) FROM area, LATERAL loose_edges(%s, id) WHERE level = 'community'", [factories.SCHEME]
        ).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM area, LATERAL loose_edges(0, id)").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM grid").fetchone() == (8,)
        assert connection.execute("SELECT count(*) FROM incident").fetchone() == (8,)


def test_a_token_of_one_community_sees_its_two_grids(database: Database, district: factories.District) -> None:
    with database.unit_of_work(Scope(token=factories.token("operator", "a1"))) as session:
        seen = session.scalars(text("SELECT id FROM grid ORDER BY id")).all()
    assert tuple(seen) == district.own.grids


def test_what_a_test_writes_is_rolled_back(shared: Clone, database: Database) -> None:
    with database.unit_of_work(Scope(token=factories.token("planner"))) as session:
        session.execute(text("UPDATE grid SET households = 99"))
    with shared.owner() as connection:
        assert connection.execute("SELECT count(*) FROM grid WHERE households = 99").fetchone() == (0,)
