"""The map of hot spots: made every night and after a load, read by the one screen."""

from typing import TYPE_CHECKING, Any

import orjson

from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from data.queries import analyses
from data.queries.reach import reach

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.actor import Actor

FALSE_DISCOVERY = "benjamini-hochberg"
Answer = dict[str, Any]


def make(work: Any, *, permutations: int | None = None, origin: str = "nightly") -> int:
    """The plain map of the last 90 days over the whole ground, worked out at once; its id. A refusal is stored, not raised."""
    parameters = {} if permutations is None else {"permutations": permutations}
    with work.unit() as (session, scope):
        question = complete(session, scope, QuestionIn(method="gi", parameters=parameters))
        id = service.keep(session, scope, question, origin=origin, asked_by=None)
    working.work_out(work, id)
    return id


def make_first(work: Any) -> str:
    """The map if nothing was ever asked; tells in a few words what there is."""
    with work.unit() as (session, scope):
        due = analyses.map_due(session, scope)
    return made_told(work) if due else "nothing due"


def made_told(work: Any) -> str:
    """The map anew, and in a few words what became of it, a refusal with its reason."""
    id = make(work)
    with work.unit() as (session, scope):
        row = analyses.one(session, scope, id)
    why = f" ({row.refusal['message']})" if row.refusal else ""
    return f"{row.incidents or 0:,} incidents of {(row.period_to - row.period_from).days} days: {row.state}{why}"


def latest(session: "Session", actor: "Actor", area: str | None) -> Answer:
    """The newest map that covers the area, cut to it; `run` is None when there is none yet, and `unmade` tells why."""
    actor.must("statistics")
    communities = set(reach(session, actor.scope, area).communities)
    id = analyses.latest_map(session, actor.scope, sorted(communities))
    if id is None:
        newest = analyses.newest_map(session, actor.scope)
        return {"run": None, "items": [], "unmade": newest and {"id": newest.id, "state": newest.state}}
    row = analyses.one(session, actor.scope, id)
    found = analyses.document(session, actor.scope, id) or {"units": [], "caveats": []}
    items = [_item(each) for each in found["units"] if each["community_id"] in communities]
    return {"run": _run(row, found, len(items)), "items": items}


def _item(unit: Answer) -> Answer:
    return {
        **{name: unit[name] for name in ("grid_id", "class", "z", "p", "q", "rate", "rate_smoothed", "flag")},
        "incidents": unit["observed"], "households": None if unit["population"] is None else round(unit["population"]),
    }  # fmt: skip


def _run(row: Any, found: Answer, grids: int) -> Answer:
    question = orjson.loads(row.question)
    return {
        "id": row.id, "state": row.state, "method": "gi_star", "period_from": row.period_from, "period_to": row.period_to,
        "category_ids": question["category_ids"], "asked_at": row.asked_at, "done_at": row.done_at,
        "incidents": None if row.cut else row.incidents, "grids": grids, "draws": question["parameters"]["permutations"],
        "seed": question["seed"], "fdr": FALSE_DISCOVERY, "code_version": row.code_version,
        "caveats": [each["code"] for each in found["caveats"]], "refusal": row.refusal,
    }  # fmt: skip
