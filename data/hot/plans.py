"""What has happened to a plan since somebody looked: asked again and again by open streams, so on the hot path."""

from dataclasses import dataclass
from typing import Any

from data.hot.reads import HotReads, Question

HAPPENED = Question("""
    SELECT plan.revision, plan.state, plan.name, plan.note,
           (SELECT count(*) FROM plan_comment WHERE plan_id = plan.id),
           (SELECT count(*) FROM plan_comment WHERE plan_id = plan.id AND resolved_at IS NULL),
           ARRAY(SELECT grid_id FROM plan_lock WHERE plan_id = plan.id ORDER BY grid_id),
           CASE WHEN %(after)s::bigint IS NULL OR plan.revision <= %(after)s THEN '[]'::jsonb ELSE (
               SELECT coalesce(jsonb_agg(jsonb_build_object(
                          'seq', op.seq, 'kind', op.kind, 'client_id', op.client_id, 'undoes', op.undoes, 'redoes', op.redoes,
                          'person', jsonb_build_object('id', op.person_id, 'name', gate.planner_name(op.plan_id, op.person_id)),
                          'changed', done.changed, 'ended', done.ended) ORDER BY op.seq), '[]')
                 FROM (SELECT * FROM plan_op WHERE plan_id = plan.id AND seq > %(after)s ORDER BY seq LIMIT 200) AS op
                CROSS JOIN LATERAL (
                      SELECT coalesce(jsonb_agg(grid_id ORDER BY grid_id) FILTER (WHERE NOT gone), '[]') AS changed,
                             coalesce(jsonb_agg(grid_id ORDER BY grid_id) FILTER (WHERE gone), '[]') AS ended
                        FROM (SELECT grid_id, after_geom IS NULL AND (after IS NOT NULL OR before ->> 'base_version' IS NULL) AS gone,
                                     (coalesce(after, before) ->> 'community_id')::integer AS community_id
                                FROM plan_op_grid WHERE plan_op_grid.plan_id = op.plan_id AND plan_op_grid.seq = op.seq) AS step
                       WHERE community_id IS NULL OR community_id <@ plan.communities
                          OR EXISTS (SELECT FROM plan_area WHERE plan_area.plan_id = op.plan_id AND area_id = community_id)) AS done) END
      FROM plan WHERE plan.id = %(plan)s
""")


@dataclass(frozen=True, slots=True)
class Seen:
    """A plan at one moment: name and note, comments (all, open), locked grids, and operations since the moment asked about."""

    revision: int
    state: str
    called: tuple[str, str]
    comments: tuple[int, int]
    locks: list[int]
    operations: list[dict[str, Any]]


async def happened(reads: HotReads, token: str, plan_id: int, after: int | None) -> Seen | None:
    """How a plan is, with its operations after a row of the log; None when the caller does not see it."""
    rows = await reads.ask(token, HAPPENED, {"plan": plan_id, "after": after})
    if not rows:
        return None
    revision, state, name, note, comments, open_comments, locks, operations = rows[0]
    return Seen(revision, state, (name, note), (comments, open_comments), list(locks), operations)
