"""Two plans over the same communities: the second to be published is rebased, or refused with what stands in its way."""

import pytest

from api.plans import publish as publishing
from tests import plan_drafts
from tests.factories import AREAS, SOUTH, WEST
from tests.plan_drafts import HALF, Draft, ring
from tests.publishing import approved, asked, failure_of, published, stored

A1, A2 = AREAS["a1"], AREAS["a2"]
WHOLE = {810001: ring((0, 0), (2, 0), (2, 2), (0, 2)), 810002: ring((2, 0), (4, 0), (4, 2), (2, 2))}


def renamed(name: str, key: str = "a1") -> Draft:
    return Draft(area=key, communities=(key,), areas=[(AREAS[key].id, "a", name, False, False)])


def merged(gone: str, into: str) -> Draft:
    """All of a1 or a2 goes to the other."""
    grids = WHOLE if gone == "a1" else {810003: ring((4, 0), (6, 0), (6, 2), (4, 2)), 810004: ring((6, 0), (8, 0), (8, 2), (6, 2))}
    homes = dict.fromkeys(grids, AREAS[into].id)
    return Draft(area="a", communities=("a1", "a2"), grids=grids, homes=homes, areas=[(AREAS[gone].id, "a", AREAS[gone].name, False, True)])


def divided(new: int, grid: int) -> Draft:
    """A grid of a1 becomes a community of its own."""
    return Draft(homes={grid: new}, grids={grid: WHOLE[grid]}, areas=[(new, "a", f"新社区{new}", True, False)])


def second_fails(fresh, district, work, planner, reviewer, first: Draft, second: Draft) -> dict[str, object]:
    """Publish one plan, then another that was drawn on the same ground; the words with which the other is refused."""
    waiting = stored(fresh, district, second)
    approved(planner, reviewer, waiting)
    published(fresh, district, work, planner, reviewer, first)
    before = asked(fresh, "SELECT id, name, version, valid_to FROM area ORDER BY id")
    reviewer.post(f"/api/v1/plans/{waiting}/publish", json={})
    assert publishing.publish(work, waiting) == "approved"
    assert asked(fresh, "SELECT id, name, version, valid_to FROM area ORDER BY id") == before
    return dict(failure_of(fresh, waiting))


def within(place, west: float, south: float, east: float, north: float) -> bool:
    """Whether a place told to a person lies in a box of halves of a grid."""
    x, y = (place[0] - WEST) / HALF, (place[1] - SOUTH) / HALF
    return west < x < east and south < y < north


def test_two_names_for_one_community_are_a_conflict_that_tells_all_three(fresh, district, work, planner, reviewer):
    failure = second_fails(fresh, district, work, planner, reviewer, renamed("枫桥社区"), renamed("枫林社区"))
    assert failure["code"] == "stale-version"
    [told] = failure["facts"]["areas"]
    assert within(told.pop("place"), 0, 0, 4, 2)
    assert told == {
        "id": A1.id, "code": A1.code, "name": "枫桥社区", "name_en": "", "yours": 1, "now": 2, "ended": False, "was": A1.name, "wanted": "枫林社区",
    }  # fmt: skip


def test_a_publication_that_fails_by_a_fault_of_ours_is_told_and_does_not_wait_for_ever(
    fresh, district, work, planner, reviewer, monkeypatch
):
    plan = stored(fresh, district, renamed("枫桥社区"))
    approved(planner, reviewer, plan)
    reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
    monkeypatch.setattr(publishing.new_ground, "lay", lambda *_: 1 / 0)
    assert publishing.publish(work, plan) == "approved"
    assert failure_of(fresh, plan)["code"] == "bug"
    monkeypatch.undo()
    reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
    assert publishing.publish(work, plan) == "published"


def test_the_same_name_given_twice_is_no_conflict(fresh, district, work, planner, reviewer):
    second = renamed("枫桥社区")
    second.grids, second.names = {810001: WHOLE[810001]}, {810001: "枫桥一格"}
    waiting = stored(fresh, district, second)
    approved(planner, reviewer, waiting)
    published(fresh, district, work, planner, reviewer, renamed("枫桥社区"))
    reviewer.post(f"/api/v1/plans/{waiting}/publish", json={})
    assert publishing.publish(work, waiting) == "published", failure_of(fresh, waiting)
    assert asked(fresh, "SELECT name, version FROM area WHERE id = %s", A1.id) == [("枫桥社区", 2)]
    assert asked(fresh, "SELECT name FROM grid WHERE id = 810001") == [("枫桥一格",)]


def test_a_community_that_was_renamed_meanwhile_keeps_its_new_name_when_it_is_merged_away(
    fresh, district, work, planner, reviewer
):  # fmt: skip
    waiting = stored(fresh, district, merged("a1", "a2"))
    approved(planner, reviewer, waiting)
    published(fresh, district, work, planner, reviewer, renamed("枫桥社区"))
    reviewer.post(f"/api/v1/plans/{waiting}/publish", json={})
    assert publishing.publish(work, waiting) == "published", failure_of(fresh, waiting)
    assert asked(fresh, "SELECT name, valid_to IS NOT NULL FROM area WHERE id = %s", A1.id) == [("枫桥社区", True)]


@pytest.mark.parametrize(
    ("first", "second", "kind", "ids"),
    [
        (merged("a1", "a2"), merged("a2", "a1"), "areas", [A1.id]),
        (merged("a1", "a2"), merged("a1", "a2"), "areas", [A1.id]),
        (merged("a1", "a2"), renamed("枫林社区"), "areas", [A1.id]),
        (divided(7998, 810002), merged("a1", "a2"), "grids", [810002]),
        (divided(7998, 810002), divided(7999, 810002), "grids", [810002]),
    ],
    ids=["merged both ways", "merged twice", "renamed and gone", "divided and merged", "divided twice"],
)
def test_two_plans_for_one_community_are_refused_with_the_list_of_conflicts(
    fresh, district, work, planner, reviewer, first, second, kind, ids
):  # fmt: skip
    failure = second_fails(fresh, district, work, planner, reviewer, first, second)
    assert failure["code"] == "stale-version"
    assert [each["id"] for each in failure["facts"][kind]] == ids
    assert all({"id", "code", "name", "yours", "now", "ended"} <= each.keys() for each in failure["facts"][kind])


def test_a_community_divided_twice_at_different_ends_is_divided_twice(fresh, district, work, planner, reviewer):
    one, other = divided(7998, 810002), Draft(
        area="a", communities=("a1", "a2"), homes={810003: A1.id}, grids={810003: ring((4, 0), (6, 0), (6, 2), (4, 2))}
    )  # fmt: skip
    waiting = stored(fresh, district, one)
    approved(planner, reviewer, waiting)
    published(fresh, district, work, planner, reviewer, other)
    reviewer.post(f"/api/v1/plans/{waiting}/publish", json={})
    assert publishing.publish(work, waiting) == "published", failure_of(fresh, waiting)
    homes = dict(asked(fresh, "SELECT id, community_id FROM grid WHERE valid_to IS NULL AND community_id IN (%s, %s, 7998)", A1.id, A2.id))
    assert homes == {810001: A1.id, 810002: 7998, 810003: A1.id, 810004: A2.id}


def test_two_plans_that_move_one_border_of_communities_are_a_conflict_with_both_grids(
    fresh, district, work, planner, reviewer
):  # fmt: skip
    def moved(by: float) -> Draft:
        """The border between a1 and a2 goes east by so many halves of a grid."""
        return Draft(
            area="a", communities=("a1", "a2"), noded=frozenset({810007}),
            grids={
                810002: ring((2, 0), (4, 0), (4 + by, 0), (4 + by, 2), (4, 2), (2, 2)),
                810003: ring((4 + by, 0), (6, 0), (6, 2), (4 + by, 2)),
                810007: ring((4, 2), (4 + by, 2), (6, 2), (6, 4), (4, 4)),
            },
        )  # fmt: skip

    failure = second_fails(fresh, district, work, planner, reviewer, moved(0.5), moved(1.0))
    assert failure["code"] == "stale-version"
    assert {810002, 810003} <= {each["id"] for each in failure["facts"]["grids"]}


class TestTwoPlans:
    def test_the_second_plan_over_ground_that_only_gained_vertices_is_rebased(self, fresh, district, work, planner, reviewer):
        """Both drafts were copied from the same ground; the first gives the second's grid a vertex on their common border."""
        upper = Draft(
            area="b1", communities=("b1",), by=("planner", "district"),
            grids={
                810005: ring((0, 2), (2, 2), (2, 3), (0, 3)), 910002: ring((0, 3), (2, 3), (2, 4), (0, 4)),
                810006: ring((2, 2), (4, 2), (4, 4), (2, 4), (2, 3)),
            },
            new=frozenset({910002}), noded=frozenset({810006}), homes={910002: AREAS["b1"].id},
        )  # fmt: skip
        second = stored(fresh, district, upper)
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{second}/submit")
        with fresh.owner() as connection:
            connection.execute(
                "UPDATE plan SET state = 'publishing', decided_by = %s WHERE id = %s", (district.people["planner", "b"], second)
            )
            connection.commit()
        assert publishing.publish(work, second) == "published", failure_of(fresh, second)
        points = asked(fresh, "SELECT ST_NPoints(geom) FROM grid WHERE id = 810005")
        assert points == [(6,)]

    def test_the_second_plan_over_the_same_grid_is_refused_with_the_list_and_can_be_returned(
        self, fresh, district, work, planner, reviewer
    ):
        second = stored(fresh, district, plan_drafts.merge_of_a1())
        approved(planner, reviewer, second)
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        reviewer.post(f"/api/v1/plans/{second}/publish", json={})
        assert publishing.publish(work, second) == "approved"
        failure = failure_of(fresh, second)
        assert failure["code"] == "stale-version"
        assert [(each["id"], each["yours"], each["now"]) for each in failure["facts"]["grids"]] == [(810001, 1, 2)]
        told = planner.get(f"/api/v1/plans/{second}").json()
        assert (told["state"], told["failure"]["code"]) == ("approved", "stale-version")
        assert reviewer.post(f"/api/v1/plans/{second}/return", json={"reason": "重做"}).json()["state"] == "draft"

    def test_vertices_for_a_neighbour_that_was_divided_meanwhile_go_to_whoever_holds_the_border(
        self, fresh, district, work, planner, reviewer
    ):
        lower = stored(fresh, district, plan_drafts.split_of_a1())
        upper = Draft(
            area="b1", communities=("b1",), homes={910002: AREAS["b1"].id},
            grids={
                810005: ring((0, 3), (2, 3), (2, 4), (0, 4)), 910002: ring((0, 2), (2, 2), (2, 3), (0, 3)),
                810006: ring((2, 2), (4, 2), (4, 4), (2, 4), (2, 3)),
            },
            new=frozenset({910002}), noded=frozenset({810006}),
        )  # fmt: skip
        plan = stored(fresh, district, upper)
        with fresh.owner() as connection:
            people = (district.people["planner", "district"], district.people["planner", "b"])
            for each in (plan, lower):
                connection.execute(
                    "UPDATE plan SET state = 'publishing', submitted_by = %s, decided_by = %s WHERE id = %s", (*people, each)
                )
            connection.commit()
        assert publishing.publish(work, plan) == "published", failure_of(fresh, plan)
        assert publishing.publish(work, lower) == "published", failure_of(fresh, lower)
        assert asked(fresh, "SELECT ST_NPoints(geom) FROM grid WHERE id = 910002") == [(6,)]
