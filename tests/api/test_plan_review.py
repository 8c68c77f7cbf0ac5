"""A plan's way from a draft to its date: review by another person, return with a reason, calling off."""

from datetime import UTC, datetime, timedelta

import pytest

from api.plans import publish as publishing
from tests import plan_drafts
from tests.plan_drafts import Draft
from tests.publishing import approved, asked, published, stored


class TestReview:
    def test_a_plan_goes_from_draft_to_published_and_every_step_is_in_the_trail(self, fresh, district, work, planner, reviewer):
        plan = published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        steps = asked(fresh, "SELECT action, person_id FROM audit WHERE noun = 'plan' AND noun_id = %s ORDER BY id", str(plan))
        assert [action for action, _ in steps] == ["submit", "approve", "ask_publish", "publish"]
        assert steps[0][1] == district.people["planner", "district"]
        assert steps[1][1] == district.people["planner", "a"]
        told = planner.get(f"/api/v1/plans/{plan}").json()
        assert told["state"] == "published" and told["published_at"] and told["effective_at"] and told["decision_note"] == "同意"

    def test_who_submitted_a_plan_does_not_decide_on_it(self, fresh, district, planner):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{plan}/submit")
        refused = planner.post(f"/api/v1/plans/{plan}/approve", json={})
        assert refused.status_code == 403
        assert refused.json()["reason"] == "own_plan"

    def test_the_database_itself_refuses_a_decision_on_ones_own_plan(self, fresh, district):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        person = district.people["planner", "district"]
        with fresh.owner() as connection, pytest.raises(Exception, match="plan_decided_by_another"):
            connection.execute(
                "UPDATE plan SET state = 'approved', submitted_by = %s, decided_by = %s WHERE id = %s", (person, person, plan)
            )

    def test_a_returned_plan_is_a_draft_again_with_the_reason(self, fresh, district, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{plan}/submit")
        assert reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "   "}).status_code == 422
        told = reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "边界应沿枫桥路"}).json()
        assert (told["state"], told["decision_note"]) == ("draft", "边界应沿枫桥路")

    @pytest.mark.parametrize(
        ("state", "action"),
        [("draft", "approve"), ("draft", "publish"), ("draft", "reverse"), ("submitted", "submit"), ("submitted", "publish"),
         ("approved", "submit"), ("approved", "approve"), ("withdrawn", "submit"), ("published", "publish")],
    )  # fmt: skip
    def test_an_action_that_the_state_does_not_permit_is_refused_and_says_so(self, fresh, district, reviewer, state, action):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            people = (district.people["planner", "district"], district.people["planner", "a"])
            connection.execute("UPDATE plan SET state = %s, submitted_by = %s, decided_by = %s WHERE id = %s", (state, *people, plan))
            connection.commit()
        refused = reviewer.post(f"/api/v1/plans/{plan}/{action}", json=None if action in ("submit", "reverse") else {})
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/transition-refused"
        assert refused.json()["state"] == state

    def test_a_plan_that_changes_nothing_is_not_submitted(self, fresh, district, planner):
        plan = stored(fresh, district, Draft())
        refused = planner.post(f"/api/v1/plans/{plan}/submit")
        assert (refused.status_code, refused.json()["reason"]) == (422, "nothing_changes")

    def test_somebody_who_only_looks_neither_submits_nor_decides(self, fresh, district, planner, fresh_client):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        analyst = fresh_client("analyst", "district")
        assert analyst.post(f"/api/v1/plans/{plan}/submit").status_code == 403
        planner.post(f"/api/v1/plans/{plan}/submit")
        assert analyst.post(f"/api/v1/plans/{plan}/approve", json={}).status_code == 403
        assert fresh_client("planner", "b").post(f"/api/v1/plans/{plan}/approve", json={}).status_code == 404

    def test_a_plan_with_a_date_waits_for_it(self, fresh, district, work, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        day = datetime.now(UTC) + timedelta(days=3)
        assert reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": day.isoformat()}).status_code == 202
        assert publishing.publish_due(work) == []
        assert publishing.publish(work, plan) == "publishing"
        with fresh.owner() as connection:
            connection.execute("UPDATE plan SET effective_at = now() - interval '1 hour' WHERE id = %s", (plan,))
            connection.commit()
        assert publishing.publish_due(work) == [plan]
        rows = asked(fresh, "SELECT valid_from FROM grid WHERE id IN (810001, 910001)")
        assert {row[0] for row in rows} == {asked(fresh, "SELECT effective_at FROM plan WHERE id = %s", plan)[0][0]}

    def test_a_plan_that_waits_for_its_date_can_be_called_off(self, fresh, district, work, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        day = datetime.now(UTC) + timedelta(days=3)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": day.isoformat()})
        assert reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "缓行"}).json()["state"] == "draft"
        assert publishing.publish(work, plan) == "draft"

    def test_a_date_without_a_time_zone_is_refused(self, fresh, district, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        assert reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": "2026-12-01T00:00:00"}).status_code == 422
