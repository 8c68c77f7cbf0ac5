"""Whatever is sent to whichever door, the answer is a refusal in words or a good one, and never a fault of the program."""

import json
from typing import Any

import pytest

from tests.api.test_scope_matrix import PRIVATE, Visit, body_of, ways
from tests.factories import District

TEXTS = (
    "", "\x00", "\ud800", "NaN", "-1", "1e309", "9" * 40, "2026-02-30", "2026-03-01T08:00:00+99:99", "0001-01-01T00:00:00+23:59", "%s", "🙂",
    "a" * 5000, "nan,nan,nan,nan", "180,90,-180,-90",
)  # fmt: skip
"""Values of a parameter, tried in each one's place."""
BODY = (
    b"", b"null", b"[]", b"{}", b'"text"', b"1", b"nul", b"{", b'{"a":1,"a":2}', b"\xff\xfe", b'{"a":NaN}', b'{"\\ud800":1}', b'{"a":"\\u0000"}',
    b"[" * 3000, b'{"type":"Polygon","coordinates":[]}', b'{"type":"Polygon","coordinates":[[[1e999,0],[0,1],[1,1],[1e999,0]]]}',
    b'{"type":"Polygon","coordinates":[[[113,28]]]}', b'{"type":"GeometryCollection","geometries":[]}',
)  # fmt: skip
"""Whole bodies."""
PIECES: tuple[object, ...] = (None, "", "\x00", "x" * 3000, -1, 1e308, 2**63, True, [None], {"a": []}, "9999-12-31T23:59:59Z")
"""Values in the place of one value of a good body."""


def fault_of(answer: Any) -> str | None:
    """Why this answer is a fault; None for a good one or a refusal in words."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 400 and "problem+json" not in answer.headers.get("content-type", ""):
        return f"{answer.status_code} without words: {answer.headers.get('content-type')} {answer.text[:100]}"
    return None


def first_way(visit: Visit, district: District) -> tuple[str, dict[str, object]]:
    path, query, _ = next(ways(visit, district.own, district))
    return path, query


def sent(body: object) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else json.dumps(body).encode()


STREAMS = {"GET /api/v1/events"}
PROGRAMS = [each for each in PRIVATE if each.path.startswith(("/api/", "/tiles/"))]


@pytest.mark.parametrize("visit", [each for each in PROGRAMS if each.parameters and each.name not in STREAMS], ids=lambda each: each.name)
def test_no_value_of_a_parameter_is_a_fault(visit: Visit, client: Any, district: District) -> None:
    caller, found = client("operator", raises=False), {}
    path, query = first_way(visit, district)
    body = sent(body_of(visit, district.own, district))
    for name, where, _ in visit.parameters:
        for text in TEXTS:
            if where != "query":
                continue
            safe = text.encode("utf-8", "surrogatepass")
            answer = caller.request(
                visit.method, path, params={**query, name: safe}, content=body, headers={"Content-Type": "application/json"}
            )
            if fault := fault_of(answer):
                found[name, text[:20]] = fault
    assert not found


@pytest.mark.parametrize("visit", [each for each in PROGRAMS if each.has_body], ids=lambda each: each.name)
def test_no_body_is_a_fault(visit: Visit, client: Any, district: District) -> None:
    caller, found = client("operator", raises=False), {}
    path, query = first_way(visit, district)
    for body in BODY:
        for kind in ("application/json", "application/x-ndjson"):
            answer = caller.request(visit.method, path, params=query, content=body, headers={"Content-Type": kind, "X-Wangge": "1"})
            if fault := fault_of(answer):
                found[body[:40], kind] = fault
    good = body_of(visit, district.own, district)
    for name in good if isinstance(good, dict) else ():
        for piece in PIECES:
            answer = caller.request(visit.method, path, params=query, json={**good, name: piece}, headers={"X-Wangge": "1"})
            if fault := fault_of(answer):
                found[name, str(piece)[:20]] = fault
    assert not found
