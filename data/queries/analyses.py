"""Analyses as they are kept: asked for, worked on, stored in pieces that the database cuts by scope, read as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry import MultiPolygon
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from gis.errors import Conflict, NotFound
from gis.hotspots.weights import Neighbours

Facts = Mapping[str, Any]
WHOLE_GROUND = "{(,)}"
"""The multirange of all communities and of what has no community yet."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a result and the communities it tells of, as a multirange; `body` is canonical JSON."""

    kind: str
    key: int
    ground: str
    body: str
    part: int = 0


def multirange(communities: Sequence[int]) -> str:
    """Communities as PostgreSQL writes a multirange of them."""
    return "{" + ",".join(f"[{each},{each + 1})" for each in sorted(communities)) + "}"


def scheme(session: Session, scope: Scope, code: str | None) -> Row[Any]:
    """A scheme by its code, or the primary one."""
    row = session.execute(_named("scheme"), {"code": code}).one_or_none()
    if row is None and code is None:
        raise Conflict("There is no primary scheme of grids yet.")
    if row is None:
        raise NotFound("There is no such scheme of grids.", scheme=code)
    return row


def ask(session: Session, scope: Scope, facts: Facts) -> int:
    """Store a question that waits for the worker; its id."""
    return int(session.execute(_named("ask"), dict(facts)).scalar_one())


def stored(session: Session, scope: Scope, question_hash: bytes, code_version: str) -> Row[Any] | None:
    """The newest analysis of a question by this code that is finished or under way, as far as the caller sees it."""
    return session.execute(_named("stored"), {"question_hash": question_hash, "code_version": code_version}).one_or_none()


def one(session: Session, scope: Scope, id: int) -> Row[Any]:
    """An analysis whatever its state; NotFound when there is none in scope."""
    row = session.execute(_named("one"), {"id": id}).one_or_none()
    if row is None:
        raise NotFound("There is no such analysis.", analysis=id)
    return row


def page(session: Session, scope: Scope, asked: Facts) -> Sequence[Row[Any]]:
    """Analyses in scope, newest first; `asked`: method, state, origin, area, starts, ends, before, limit, None for any."""
    return session.execute(_named("page"), dict(asked)).all()


def begin(session: Session, scope: Scope, id: int) -> Row[Any] | None:
    """Take an analysis to work on it; None when it is over or somebody is at work."""
    return session.execute(_named("begin"), {"id": id}).one_or_none()


def tell(session: Session, scope: Scope, id: int, stage: str, progress: float) -> bool:
    """Tell how far the work is; false when it is not wanted any more."""
    return session.execute(_named("tell"), {"id": id, "stage": stage, "progress": progress}).one_or_none() is not None


def cancel(session: Session, scope: Scope, id: int) -> bool:
    """Stop waiting or working; false when it is over already."""
    return session.execute(_named("cancel"), {"id": id}).one_or_none() is not None


def finish(session: Session, scope: Scope, id: int, state: str, **facts: Any) -> bool:
    """End a running analysis: incidents, data_version, result_hash or a refusal; false when it was cancelled meanwhile."""
    told = {"incidents": None, "data_version": None, "result_hash": None, "refusal": None} | facts
    told["refusal"] = None if told["refusal"] is None else orjson.dumps(told["refusal"], default=str).decode()
    return session.execute(_named("finish"), told | {"id": id, "state": state}).one_or_none() is not None


def store(session: Session, scope: Scope, id: int, pieces: Sequence[Piece]) -> None:
    """Keep what was found, in place of what was there before."""
    session.execute(_named("clear"), {"id": id})
    session.execute(
        _named("store"),
        {
            "id": id,
            "kinds": [each.kind for each in pieces],
            "keys": [each.key for each in pieces],
            "parts": [each.part for each in pieces],
            "grounds": [each.ground for each in pieces],
            "bodies": [each.body for each in pieces],
        },
    )


def pieces(session: Session, scope: Scope, id: int) -> list[Piece]:
    """The pieces of a result that the caller may see."""
    return [Piece(row.kind, row.key, "", row.body, row.part) for row in session.execute(_named("pieces"), {"id": id})]


def document(session: Session, scope: Scope, id: int) -> dict[str, Any] | None:
    """A result as the caller may see it; None when there is none (yet). Nothing is computed but sums for who sees a part."""
    found = pieces(session, scope, id)
    if not found:
        return None
    by_kind: dict[str, list[Any]] = {kind: [] for kind in ("head", "whole", "unit", "cluster", "share")}
    for each in found:
        by_kind[each.kind].append(orjson.loads(each.body))
    head, whole = by_kind["head"][0], (by_kind["whole"] or [None])[0]
    clusters = sorted([*by_kind["cluster"], *joined_shares(by_kind["share"])], key=lambda each: each["rank"])
    units = sorted(by_kind["unit"], key=lambda each: each["code"])
    totals = whole or {
        "areas": None, "summary": _sums(units, clusters), "series": None, "table": None, "raster": None, "doubts": None, "alternate": None,
        "caveats": [{"code": code, "facts": {}} for code in head["caveats"]],
    }  # fmt: skip
    return {**head, **totals, "units": units, "clusters": clusters}


def canonical(value: Any) -> bytes:
    """JSON in one form only: keys sorted, no spaces, numbers of 10 significant digits, what is no number null."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def remove(session: Session, scope: Scope, id: int) -> bool:
    """Remove an analysis with its result; false when the caller may not."""
    return session.execute(_named("remove"), {"id": id}).one_or_none() is not None


def hanging(session: Session, scope: Scope, id: int) -> Row[Any]:
    """How many alerts and schedule runs rest on an analysis."""
    return session.execute(_named("hanging"), {"id": id}).one()


def latest_map(session: Session, scope: Scope, communities: Sequence[int]) -> int | None:
    """The newest plain map of hot spots that covers the communities."""
    found: int | None = session.execute(_named("latest_map"), {"communities": [each for each in communities if each]}).scalar_one_or_none()
    return found


def newest_map(session: Session, scope: Scope) -> Row[Any] | None:
    """The newest map of hot spots that was asked for, however far it is."""
    return session.execute(_named("newest_map")).one_or_none()


def map_due(session: Session, scope: Scope) -> bool:
    """Whether there are incidents and grids and no map of hot spots was ever asked for."""
    return bool(session.execute(_named("map_due")).scalar_one())


def waiting(session: Session, scope: Scope) -> list[int]:
    """What nobody works on although it was asked for."""
    return list(session.scalars(_named("waiting")))


def unscored(session: Session, scope: Scope, now: datetime) -> Sequence[Row[Any]]:
    """Finished analyses whose following period is over and that were not scored on it."""
    return session.execute(_named("unscored"), {"now": now}).all()


def score(session: Session, scope: Scope, id: int, accuracy: Facts) -> None:
    """Keep how well an analysis did on the period after it."""
    session.execute(_named("score"), {"id": id, "accuracy": canonical(accuracy).decode()})


def tidy(session: Session, scope: Scope) -> int:
    """Remove old watches that no alert rests on, and neighbours of borders long gone."""
    session.execute(_named("forget_neighbours"))
    return int(session.execute(_named("old_watches")).rowcount)  # type: ignore[attr-defined]


def neighbours(session: Session, scope: Scope, borders: bytes, kind: str) -> Neighbours | None:
    """The neighbours kept for one version of the borders; None when nobody has worked them out yet."""
    row = session.execute(_named("neighbours"), {"borders": borders, "kind": kind}).one_or_none()
    if row is None:
        return None
    return Neighbours(np.frombuffer(row.first, dtype="<i8").copy(), np.frombuffer(row.of_each, dtype="<i4").copy(), kind)


def keep_neighbours(session: Session, scope: Scope, borders: bytes, kind: str, found: Neighbours) -> None:
    """Keep neighbours for the next analysis on the same borders."""
    first, index = found.first.astype("<i8").tobytes(), found.index.astype("<i4").tobytes()
    session.execute(_named("keep_neighbours"), {"borders": borders, "kind": kind, "first": first, "index": index})


def borders(session: Session, scope: Scope, id: int) -> dict[int, MultiPolygon]:
    """The border of each unit the caller sees, as it was analysed, in degrees (EPSG:4490), by the unit's id."""
    rows = session.execute(BORDERS, {"id": id}).all()
    return dict(zip([row.id for row in rows], shapely.from_wkb([bytes(row.border) for row in rows]), strict=True))


# A border of another version than today's lies in the table of what is past.
BORDERS = text("""
    SELECT unit.key AS id, ST_AsBinary(coalesce(grid.geom, grid_past.geom, area.geom, area_past.geom)) AS border
      FROM (SELECT key, (CAST(body AS jsonb) ->> 'version')::integer AS version, (CAST(body AS jsonb) ->> 'grid_id') IS NOT NULL AS is_grid
              FROM analysis_piece WHERE analysis_id = :id AND kind = 'unit') AS unit
      LEFT JOIN grid ON is_grid AND grid.id = unit.key AND grid.version = unit.version
      LEFT JOIN grid_past ON is_grid AND grid_past.grid_id = unit.key AND grid_past.version = unit.version
      LEFT JOIN area ON NOT is_grid AND area.id = unit.key AND area.version = unit.version
      LEFT JOIN area_past ON NOT is_grid AND area_past.area_id = unit.key AND area_past.version = unit.version
     WHERE coalesce(grid.geom, grid_past.geom, area.geom, area_past.geom) IS NOT NULL
     ORDER BY unit.key
""")


def _sums(units: Sequence[Facts], clusters: Sequence[Facts]) -> dict[str, Any]:
    told = [each["observed"] for each in units if each["observed"] is not None]
    return {"incidents": sum(told), "areas": len(units), "clusters": len(clusters)}


def joined_shares(shares: Sequence[Facts]) -> list[dict[str, Any]]:
    """One partial cluster of the shares that several of the caller's communities have of it."""
    by_rank: dict[int, dict[str, Any]] = {}
    for each in shares:
        whole = by_rank.setdefault(each["rank"], {**each, "members": [], "community_ids": []})
        whole["members"] = sorted([*whole["members"], *each["members"]])
        whole["community_ids"] = sorted([*whole["community_ids"], *each["community_ids"]])
    return list(by_rank.values())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.10g}") + 0.0 if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.bool_):
        return bool(value)
    return value


def _named(name: str) -> TextClause:
    return statements("analyses")[name]
