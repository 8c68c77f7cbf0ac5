"""A plan as a document for signature: what it says is what the impact says, and addresses are for those who may see them."""

import io

import pytest
from pypdf import PdfReader

from tests import plan_drafts
from tests.api.test_plan_impact import give_households
from tests.factories import AREAS
from tests.publishing import approved, asked, stored


def read(answer) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages).replace("\n", " ")


@pytest.fixture
def planner(fresh_client):
    return fresh_client("planner", "district")


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_the_paper_tells_what_the_plan_does_in_both_languages(fresh, district, planner):
    give_households(fresh, district, 4, 9)
    plan = stored(fresh, district, plan_drafts.merge_of_a1())
    told = planner.get(f"/api/v1/plans/{plan}").json()
    impact = planner.get(f"/api/v1/plans/{plan}/impact").json()
    zh, en = (squeezed(read(planner.get(f"/api/v1/plans/{plan}/document.pdf", params={"language": each}))) for each in ("zh", "en"))
    assert squeezed(told["name"]) in zh
    assert "撤销1个" in zh and "1end" in en
    for grid in impact["grids"]:
        assert grid["code"] in zh and grid["code"] in en
    assert "4→13" in zh, "households of the grid that takes in the other"
    assert "编制" in zh and "盖章" in zh and "Signature" in en
    assert "合并" in zh and "merged" in en
    assert "\u7f51\u683c" in zh


def test_a_plan_that_changes_nothing_says_so(fresh, district, planner):
    plan = planner.post("/api/v1/plans", json={"name": "空", "area": AREAS["a1"].code}).json()["id"]
    assert "本方案尚未改变任何网格" in squeezed(read(planner.get(f"/api/v1/plans/{plan}/document.pdf")))


def test_addresses_are_listed_for_those_who_may_see_households_and_counted_for_others(fresh, district, planner, fresh_client):
    plan = stored(fresh, district, plan_drafts.merge_of_a1())
    address = asked(fresh, "SELECT address FROM building WHERE id = %s", district.own.buildings[1])[0][0]
    assert squeezed(address) in squeezed(read(planner.get(f"/api/v1/plans/{plan}/document.pdf")))
    with fresh.owner() as connection:
        connection.execute("UPDATE session SET permissions = array_remove(permissions, 'households')")
        connection.commit()
    text = squeezed(read(fresh_client("analyst", "district").get(f"/api/v1/plans/{plan}/document.pdf")))
    assert squeezed(address) not in text and "您无权查看住户地址" in text


def test_the_same_plan_on_the_same_day_is_the_same_bytes_and_each_is_audited(fresh, district, planner):
    plan = stored(fresh, district, plan_drafts.split_of_a1())
    first, second = (planner.get(f"/api/v1/plans/{plan}/document.pdf").content for _ in range(2))
    assert first == second
    rows = asked(fresh, "SELECT count(*) FROM audit WHERE action = 'export' AND noun = 'plan' AND facts->>'format' = 'pdf'")
    assert rows[0][0] == 2


def test_a_new_grid_gets_its_code_on_publication_and_the_paper_says_so(fresh, district, planner, fresh_client):
    plan = stored(fresh, district, plan_drafts.split_of_a1())
    assert "（发布时编码）" in squeezed(read(planner.get(f"/api/v1/plans/{plan}/document.pdf")))
    approved(planner, fresh_client("planner", "a"), plan)
    assert "已批准" in squeezed(read(planner.get(f"/api/v1/plans/{plan}/document.pdf")))


def test_a_plan_out_of_scope_is_not_there(fresh, district, planner, fresh_client):
    plan = stored(fresh, district, plan_drafts.split_of_a1())
    assert fresh_client("planner", "b").get(f"/api/v1/plans/{plan}/document.pdf").status_code == 404
