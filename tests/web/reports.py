"""Hand-made results in the shape of docs/analyses.md, for tests of what reports make of them."""

from datetime import UTC, datetime
from typing import Any

import shapely

from web.report.facts import Names, ReportFacts

SIDE = 0.01


def cluster(rank: int, members: list[int], **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "rank": rank, "kind": "circle", "partial": False, "members": members, "community_ids": [7],
        "place": {"lon": 113.0, "lat": 28.0, "radius_m": 420.0, "community_id": 7, "community_share": 0.8, "hull": None},
        "period": {"from": "2026-03-02", "to": "2026-03-19", "days": 18}, "observed": 31, "expected": 7.4, "relative_risk": 4.3, "ratio": 4.19,
        "interval": [2.85, 5.94], "llr": 19.3, "p": 0.001, "p_kind": "monte_carlo", "gumbel_p": None, "q": None, "recurrence_days": None,
        "class": None, "by_neighbours": False, "categories": [{"category_id": 9, "observed": 20}], "sources": [{"source": "hotline", "observed": 9}],
        "hours": [0] * 22 + [17, 14], "weekdays": [4] * 7,
        "repeat": {"top": [{"building_id": 82, "observed": 12}], "buildings": 4, "in_repeat_buildings": 19, "top_share": 0.39, "one_place": 3},
        "officers": [{"officer_id": 86, "observed": 14}], "deadlines": {"due": 28, "kept": 20, "overdue_share": 0.286, "overdue_share_around": 0.143},
    }  # fmt: skip
    return told | more


def unit(id: int, **more: Any) -> dict[str, Any]:
    told = {
        "grid_id": id, "community_id": 7, "code": f"99010100100{id}", "name": f"枫一社区第{id}网格", "name_en": f"Fengyi Community Grid {id}",
        "version": 1, "lon": 113.0, "lat": 28.0, "observed": 31 if id == 1 else 6, "population": 300.0, "expected": 7.4, "ratio": 4.19 if id == 1 else 0.8,
        "rate": 103.3, "rate_low": 70.0, "rate_high": 146.0, "rate_smoothed": 90.0, "suppressed": False, "flag": "", "cluster": 1 if id == 1 else None,
        "area_m2": 1.0, "hot": id == 1,
    }  # fmt: skip
    return told | more


def facts(
    method: str = "scan", *, language: str = "zh", cut: bool = False, accuracy: Any = None, parameters: Any = None, **result: Any
) -> ReportFacts:
    """A result of one method over four grids; `result` replaces parts of it."""
    question = {
        "method": method, "area": None, "scheme": "governance", "unit": "grid", "from": "2026-03-01", "to": "2026-03-31", "category_ids": [],
        "sources": [], "denominator": "households", "doubts": {}, "small_cell": 5, "seed": 20261,
        "parameters": parameters or {"model": "poisson", "max_share": 0.1, "max_radius_m": None, "permutations": 999, "least_cases": 2},
    }  # fmt: skip
    summary = {
        "incidents": 49, "read": 60, "dropped": 11, "areas": 4, "analysed": 4, "communities": 1, "population": 1200.0, "denominator": "households",
        "days": 31, "rate": 40.8, "clusters": 1, "significant": 1, "classes": {}, "dispersion": 1.1, "due": 40, "kept": 30, "overdue_share": 0.25,
        "excluded": {}, "sources": [{"source": "hotline", "observed": 40}, {"source": "=cmd()", "observed": 9}],
        "categories": [{"category_id": 9, "observed": 30}, {"category_id": 10, "observed": None, "suppressed": True}], "hours": [2] * 24,
        "weekdays": [7] * 7,
    }  # fmt: skip
    whole = {
        "contract": 1, "method": {"name": method, "parameters": question["parameters"], "minimums": {}}, "areas": {"communities": []},
        "summary": summary | result.pop("summary", {}), "units": [unit(each) for each in (1, 2, 3, 4)], "clusters": [cluster(1, [1])],
        "series": {"step": "day", "starts": ["2026-03-01", "2026-03-02", "2026-03-03"], "observed": [3, 5, 41], "expected": None, "year_before": None,
                   "partial": [False, False]},
        "table": None, "raster": None, "alternate": None,
        "doubts": [{"code": "pile", "asked": True, "incidents": 11, "share": 0.18, "done": "dropped",
                    "facts": {"piles": [{"lon": 113.0, "lat": 28.0, "incidents": 11, "likely_default": True}]}},
                   {"code": "midnight", "asked": True, "incidents": 0, "share": 0.0, "done": "kept", "facts": {}},
                   {"code": "level", "asked": False, "incidents": 0, "share": 0.0, "done": "kept", "facts": {}}],
        "caveats": [{"code": "reported_not_happened", "facts": {}}, {"code": "small_numbers", "facts": {"incidents": 49}},
                    {"code": "default_pile", "facts": {"piles": 1, "incidents": 11, "done": "dropped"}}],
    }  # fmt: skip
    analysis = {
        "id": 17, "state": "done", "progress": 1.0, "stage": "stored", "question": question, "question_hash": "ab" * 32, "data_version": "cd" * 32,
        "result_hash": "ef" * 32, "code_version": "wangge 0.1.0", "asked_at": datetime(2026, 4, 1, tzinfo=UTC),
        "done_at": datetime(2026, 4, 1, 1, tzinfo=UTC), "cut": cut, "refusal": None, "origin": "person",
    }  # fmt: skip
    zh = language == "zh"
    names = Names(
        areas={7: "枫一社区" if zh else "Fengyi Community"}, categories={9: "噪声扰民" if zh else "Noise", 10: "其他" if zh else "Other"},
        officers={86: "王五"}, buildings={82: "枫一社区路2号"},
    )  # fmt: skip
    borders = {each: shapely.box(113 + SIDE * each, 28, 113 + SIDE * (each + 1), 28 + SIDE) for each in (1, 2, 3, 4)}
    area = "测试区" if zh else "Test District"
    return ReportFacts(analysis, whole | result, accuracy, borders, names, area, area, "Asia/Shanghai", "GS(2026)1234号")
