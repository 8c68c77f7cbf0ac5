"""What a deployment says of itself."""

from data.database import Database
from data.queries import deployment
from data.scope import Scope
from tests import factories
from tests.conftest import Clone

SCOPE = Scope(token=factories.token("analyst", "district"), everything=True)


def told(database: Database) -> tuple[str | None, str]:
    with database.unit_of_work(SCOPE) as session:
        row = deployment.itself(session, SCOPE)
    return row["code"], row["name"]


def test_one_district_gives_its_code_and_several_give_none_and_the_name_of_the_first(fresh: Clone, fresh_database: Database) -> None:
    assert told(fresh_database) == ("990101000000", "测试区")
    with fresh.owner() as owner:
        owner.execute(
            "INSERT INTO area (level, code, name, name_en, geom, valid_from) SELECT level, '990102000000', '一区', 'Another', "
            " ST_Translate(geom, 1, 0), valid_from FROM area WHERE level = 'district'"
        )
    assert told(fresh_database) == (None, "测试区")
