"""The description of the API shows an example of every body, and each is one that its route reads."""

from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import FastAPI
from pydantic import BaseModel

from api.incidents.schemas import ReportIn

UPLOADS = {"POST /api/v1/plans/{plan_id}/import"}
"""They take a file."""


def models(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for each in of.__subclasses__():
        yield each
        yield from models(each)


def bodies(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each body by its route: its schema, and examples beside it."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield f"{method.upper()} {path}", content


def test_every_body_has_an_example_that_its_route_reads(app: FastAPI) -> None:
    description = app.openapi()
    known = {each.__name__: each for each in models() if each.__module__.startswith("api.")}
    seen = 0
    for route, content in bodies(description):
        shapes = content["schema"].get("anyOf", [content["schema"]])  # a body that may be left out is one of two
        name = next((each["$ref"] for each in shapes if "$ref" in each), "").rpartition("/")[2]
        examples = [each["value"] for each in content.get("examples", {}).values()] + ([content["example"]] if "example" in content else [])
        examples += description["components"]["schemas"][name].get("examples", []) if name else []
        assert examples or route in UPLOADS, f"{route} shows no example"
        for example in examples if name else []:
            known[name].model_validate_json(orjson.dumps(example))
            seen += 1
    assert seen > 20


def test_the_example_of_many_reports_is_reports(app: FastAPI) -> None:
    content = app.openapi()["paths"]["/api/v1/incidents/bulk"]["post"]["requestBody"]["content"]
    for line in content["application/x-ndjson"]["example"].splitlines():
        assert ReportIn.model_validate_json(line).category_id
