"""From findings to the result that is kept: units, clusters and totals, in pieces that the database can cut by community."""

import hashlib
from typing import Any

import numpy as np

from api.analyses import catalogue
from api.analyses.caveats import caveats_of, dispersion_of
from api.analyses.describing import deadlines_of, described, told_of
from api.analyses.findings import Findings
from api.analyses.steps import series
from api.analyses.study import Study
from api.analyses.suppression import held_back
from data.queries.analyses import Piece, canonical, multirange
from gis.hotspots.rates import PER_HOUSEHOLDS, poisson_interval

CONTRACT = 1
SIGNIFICANT = 0.05
UNPEOPLED = ("no-population", "few-population")
SHARED = ("rank", "kind", "period", "p", "p_kind", "q", "class", "recurrence_days")
"""What somebody who sees a part of a cluster is told of all of it: that it is, when, and how sure; no count, no place."""
CLUSTERS_ONLY = frozenset({"watch"})
"""Asked for each category every night: what they say of units that are in no cluster is not kept."""
Facts = dict[str, Any]


def told(study: Study, findings: Findings, doubts: list[Facts], read: int) -> tuple[list[Piece], bytes]:
    """The pieces of a result, and the hash of the whole."""
    method = study.question["method"]
    analysed = int(study.counts[slice(None) if findings.expected is None else np.isfinite(findings.expected)].sum())
    clusters = [described(study, rank, each, analysed) for rank, each in enumerate(findings.clusters, 1)]
    units = _units(study, findings)
    caveats = caveats_of(study, findings, doubts)
    head = {
        "contract": CONTRACT,
        "method": {"name": method, "parameters": study.parameters, "minimums": catalogue.METHODS[method].minimums},
        "caveats": [code for code, _ in caveats],
    }  # fmt: skip
    whole = {
        "areas": {"communities": study.communities}, "summary": _summary(study, findings, clusters, read),
        "series": findings.series or series(study), "table": findings.table, "raster": findings.raster, "doubts": doubts,
        "alternate": findings.alternate, "caveats": [{"code": code, "facts": facts} for code, facts in caveats],
    }  # fmt: skip
    least = study.question["small_cell"]
    return _pieces(study, head, held_back(whole, least), held_back(units, least), held_back(clusters, least))


def _pieces(study: Study, head: Facts, whole: Facts, units: list[Facts], clusters: list[Facts]) -> tuple[list[Piece], bytes]:
    home: dict[int, int] = dict(zip(study.units.ids.tolist(), study.units.communities.tolist(), strict=True))
    pieces = [_piece("head", 0, "{}", head), _piece("whole", 0, study.ground, whole)]
    if study.question["method"] not in CLUSTERS_ONLY:
        keys = study.units.ids.tolist()
        pieces += [_piece("unit", key, multirange([each["community_id"]]), each) for key, each in zip(keys, units, strict=True)]
    for each in clusters:
        ground = multirange(each["community_ids"]) if each["community_ids"] else study.ground
        pieces.append(_piece("cluster", each["rank"], ground, each))
        if len(each["community_ids"]) > 1:
            pieces += [_share(each, community, home) for community in each["community_ids"]]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece.body.encode() + b"\n")
    return pieces, digest.digest()


def _piece(kind: str, key: int, ground: str, body: Facts, part: int = 0) -> Piece:
    return Piece(kind, key, ground, canonical(body).decode(), part)


def _share(cluster: Facts, community: int, home: dict[int, int]) -> Piece:
    members = [unit for unit in cluster["members"] if home[unit] == community]
    told = {name: cluster[name] for name in SHARED} | {"partial": True, "members": members, "community_ids": [community]}
    return _piece("share", cluster["rank"], multirange([community]), dict.fromkeys(cluster) | told, community)


def _units(study: Study, findings: Findings) -> list[Facts]:
    units, counts, people = study.units, study.counts, study.people
    rated = study.question["denominator"] != "none"
    low, high = poisson_interval(counts)
    lon, lat = study.metres.degrees(*study.centres.T)
    nothing = np.full(len(units), np.nan)
    due = nothing if findings.expected is None else findings.expected
    smoothed = nothing if findings.smoothed is None else findings.smoothed
    hot = np.zeros(len(units), dtype=np.bool_) if findings.hot is None else findings.hot
    cluster: dict[int, int] = {}
    for rank, each in enumerate(findings.clusters, 1):
        for member in each.members.tolist():
            cluster.setdefault(member, rank)
    rows = []
    for at in range(len(units)):
        flag = findings.flags.get(at, "")
        scale = PER_HOUSEHOLDS / people[at] if rated and people[at] > 0 and flag not in UNPEOPLED else np.nan
        rows.append({
            "grid_id": int(units.ids[at]) if units.are_grids else None, "community_id": int(units.communities[at]),
            "code": units.codes[at], "name": units.names[at], "name_en": units.names_en[at], "version": int(units.versions[at]),
            "lon": lon[at], "lat": lat[at], "area_m2": units.area_m2[at], "observed": int(counts[at]),
            "population": people[at] if rated else None, "expected": due[at], "ratio": counts[at] / due[at] if due[at] > 0 else None,
            "rate": counts[at] * scale, "rate_low": low[at] * scale, "rate_high": high[at] * scale,
            "rate_smoothed": smoothed[at] * PER_HOUSEHOLDS, "suppressed": False, "flag": flag, "cluster": cluster.get(at),
            "hot": bool(hot[at]), **{name: column[at] for name, column in findings.units.items()},
        })  # fmt: skip
    return rows


def _summary(study: Study, findings: Findings, clusters: list[Facts], read: int) -> Facts:
    used = len(study.rows)
    rated = study.question["denominator"] != "none"
    people = float(study.people.sum()) if rated else None
    due, kept = deadlines_of(study)
    whole = told_of(study)
    flags: dict[str, int] = {}
    for each in findings.flags.values():
        flags[each] = flags.get(each, 0) + 1
    classes: dict[str, int] = {}
    for confidence in findings.units.get("class", []):
        classes[str(confidence)] = classes.get(str(confidence), 0) + 1
    left_out = sum(number for flag, number in flags.items() if flag in (*UNPEOPLED, "island"))
    return {
        "incidents": used, "read": read, "dropped": read - used, "areas": len(study.units), "analysed": len(study.units) - left_out,
        "communities": len(study.communities), "population": people, "denominator": study.question["denominator"], "days": study.days,
        "rate": used / people * PER_HOUSEHOLDS if people else None, "clusters": len(clusters),
        "significant": sum(1 for each in clusters if _significant(each)), "classes": classes,
        "dispersion": dispersion_of(study, findings),
        "due": due, "kept": kept, "overdue_share": 1 - kept / due if due else None, "excluded": flags,
        **{name: whole[name] for name in ("sources", "categories", "hours", "weekdays")}, **findings.summary,
    }  # fmt: skip


def _significant(cluster: Facts) -> bool:
    sure = cluster["q"] if cluster["q"] is not None else cluster["p"]
    return sure is not None and bool(sure <= SIGNIFICANT)
