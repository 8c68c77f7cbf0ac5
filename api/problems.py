"""Refusal → RFC 9457 problem+json: the only table of statuses."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from data.database import DISK_FULL
from gis import errors

LOG = logging.getLogger("wangge")

STATUS: Mapping[type[errors.Refusal], int] = {
    errors.NotFound: 404,
    errors.NotPermitted: 403,
    errors.SignInNeeded: 401,
    errors.SignInRefused: 401,
    errors.TooManyAttempts: 429,
    errors.StaleVersion: 409,
    errors.Conflict: 409,
    errors.IdempotencyMismatch: 422,
    errors.BadValue: 422,
    errors.TooLarge: 413,
    errors.BadFile: 422,
    errors.BadMapping: 422,
    errors.CodeRefused: 422,
    errors.BadGeometry: 422,
    errors.BadCoordinate: 422,
    errors.WrongCrs: 422,
    errors.OutsideDistrict: 422,
    errors.CoverageBroken: 409,
    errors.TransitionRefused: 409,
    errors.DeadlineUnknown: 422,
    errors.PlanRefused: 422,
    errors.EditRefused: 422,
    errors.NothingToAnalyse: 422,
    errors.Unavailable: 503,
}

MEDIA = "application/problem+json"
NOT_JSON = "The body was not read: send JSON, and say so with Content-Type: application/json."
DOCUMENTED: Mapping[int | str, dict[str, object]] = {
    kind: {
        "description": description,
        "content": {
            MEDIA: {
                "schema": {
                    "title": "Problem",
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string", "description": "A page that explains it: /problems/CODE."},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string", "description": "What was wrong, in a sentence."},
                    },
                },
                "example": {"type": f"/problems/{code}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail},
            }
        },
    }
    for kind, description, code, status, detail in (
        ("4XX", "Refused: what was wrong, where, and facts a program can use.", "not-found", 404, "There is no such grid."),
        ("5XX", "The service cannot answer now.", "unavailable", 503, "The database does not answer now. Try again in a moment."),
    )
}
"""What every route may answer instead, for the description of the API."""


def problem(status: int, code: str, detail: str, facts: Mapping[str, object] | None = None) -> Response:
    """One answer in the form of RFC 9457; `facts` are extra members a program can use."""
    body = {**(facts or {}), "type": f"/problems/{code}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    content = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, media_type=MEDIA, headers={"Cache-Control": "no-store"})


def install(app: FastAPI) -> None:
    """Answer refusals, bad requests and bugs in one form that never echoes what came in."""
    app.add_exception_handler(errors.Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _constraint)
    app.add_exception_handler(OperationalError, _database_down)
    app.add_exception_handler(Exception, bug)


def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, errors.Refusal)
    return problem(STATUS[type(refusal)], refusal.code, refusal.message, refusal.facts)


def _invalid(request: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)
    # Only where and why: the value itself may be personal, or not be encodable at all.
    fields = [{"at": ".".join(str(part) for part in each["loc"]), "why": _plain(each["msg"])} for each in invalid.errors()[:20]]
    if isinstance(invalid.body, bytes):
        return problem(422, "bad-value", NOT_JSON, {"fields": fields})
    return problem(422, "bad-value", "The request does not have the form this route takes.", {"fields": fields})


def _plain(message: str) -> str:
    return message.encode("ascii", "replace").decode("ascii")[:200]


def _http(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    code = {404: "not-found", 405: "method-not-allowed"}.get(refused.status_code, "bad-request")
    return problem(refused.status_code, code, HTTPStatus(refused.status_code).phrase)


def _constraint(request: Request, broken: Exception) -> Response:
    assert isinstance(broken, IntegrityError)
    name = getattr(getattr(broken.orig, "diag", None), "constraint_name", None) or ""
    LOG.warning("constraint %s refused a change on %s", name, request.url.path)
    if name == "coverage_must_hold":
        return problem(409, "coverage-broken", "The grids would no longer tile their area exactly.", {"constraint": name})
    return problem(409, "conflict", "It collides with something that is already there.", {"constraint": name})


def _database_down(request: Request, failed: Exception) -> Response:
    cause = getattr(failed, "orig", failed)
    LOG.error("database: %s on %s", type(cause).__name__, request.url.path)
    if getattr(cause, "sqlstate", None) == DISK_FULL:
        return problem(507, "unavailable", "The disk of the database is full. Nothing was stored; tell whoever runs this deployment.")
    return problem(503, "unavailable", "The database does not answer now. Try again in a moment.")


def bug(request: Request, error: Exception) -> Response:
    """Answer what nobody expected, and log it."""
    name = type(error.orig).__name__ if isinstance(error, DBAPIError) else type(error).__name__
    LOG.exception("unexpected %s on %s", name, request.url.path)
    return problem(500, "bug", "Something went wrong on our side. It has been logged.")
