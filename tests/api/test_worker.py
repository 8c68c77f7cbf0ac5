"""The worker: jobs tied to the transaction that asks for them, and upkeep that may run twice."""

import asyncio

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text

from api import worker
from api.work import Work
from data import after_commit
from data.database import open_database
from data.queries import upkeep
from data.scope import Scope
from tests import factories


def jobs_of(fresh) -> int:
    with fresh.owner() as connection:
        return connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()[0]


def test_a_job_is_asked_for_only_if_the_transaction_commits(fresh, fresh_database):
    scope = Scope(token=factories.token("analyst"))
    with fresh_database.unit_of_work(scope) as session:
        after_commit.defer(session, "upkeep:fold")
        session.rollback()
    assert jobs_of(fresh) == 0
    with fresh_database.unit_of_work(scope) as session:
        after_commit.defer(session, "upkeep:fold")
    assert jobs_of(fresh) == 1


def test_a_job_that_waits_is_not_asked_for_twice(fresh, fresh_database):
    with fresh_database.unit_of_work(Scope(token=factories.token("analyst"))) as session:
        assert after_commit.defer(session, "upkeep:fold", once="fold") is not None
        assert after_commit.defer(session, "upkeep:fold", once="fold") is None
    assert jobs_of(fresh) == 1


def test_nobody_can_ask_for_a_job_without_a_session_or_read_the_queue(fresh):
    with fresh.as_app() as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT gate.defer('upkeep:fold', '{}', NULL)")
    with fresh.as_app() as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT * FROM procrastinate_jobs")


def test_the_worker_folds_and_tidies(fresh, fresh_database, fresh_client, tmp_path):
    fresh_client("operator").post(
        "/api/v1/incidents", json={"category_id": 410, "lon": factories.WEST + 0.001, "lat": factories.SOUTH + 0.001}
    )
    with fresh.owner() as connection:
        connection.execute("TRUNCATE analysis, schedule CASCADE")  # made by hand, so that the worker's rounds could not answer them
        connection.execute("INSERT INTO limit_hit (bucket, at) VALUES ('x', now() - interval '9 days')")
        # The first was told long ago, the second is the last that was told, the third waits to be told.
        connection.execute(
            "INSERT INTO outbox (layer, op, at, number) SELECT 'incident', 'bulk', now() - interval '9 days', number"
            " FROM unnest(ARRAY[nextval('outbox_number_seq'), nextval('outbox_number_seq'), NULL]) AS number"
        )
        connection.commit()
    with fresh_database.unit_of_work(Scope(token=factories.token("analyst"))) as session:
        after_commit.defer(session, "upkeep:fold")
        after_commit.defer(session, "upkeep:tidy")
    asyncio.run(worker.work(fresh.schema_url, outbox=tmp_path, wait=False))
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*) FROM statistics_delta").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM limit_hit WHERE bucket = 'x'").fetchone() == (0,)
        kept = connection.execute("SELECT number FROM outbox WHERE at < now() - interval '8 days' ORDER BY id").fetchall()
        assert kept == [(2,), (None,)]
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


def test_a_load_that_nobody_finished_is_recounted(fresh):
    work = Work(fresh.schema_url)
    with fresh.owner() as connection:
        connection.execute("DELETE FROM statistics_delta")
        connection.execute("INSERT INTO deployment (key, value) VALUES ('statistics_due', 'true')")
        connection.commit()
    with work.unit() as (session, scope):
        assert upkeep.mend_if_due(session, scope) > 0
    with work.unit() as (session, scope):
        assert upkeep.mend_if_due(session, scope) is None
    work.close()


def test_every_job_has_a_name_that_says_its_noun():
    names = {name for name in worker.queue().tasks if "builtin" not in name}
    assert names == {
        "analyses:work_out",
        "analyses:due",
        "analyses:nightly",
        "analyses:schedules",
        "analyses:watch",
        "upkeep:fold",
        "upkeep:mend",
        "upkeep:tidy",
        "plans:due",
        "plans:propose",
        "plans:publish",
    }


def test_the_owner_makes_partitions_and_reads_everything_without_a_token(fresh):
    database = open_database(fresh.schema_url, pool_size=1)
    with database.unit_of_work(Scope(token="")) as session:
        upkeep.make_partitions(session, Scope(token=""))
        kept, grids = session.execute(
            text("SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = 'incident'::regclass), (SELECT count(*) FROM grid)")
        ).one()
    database.close()
    assert kept > 1
    assert grids == 8
