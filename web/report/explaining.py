"""What a reader has to know: the method in plain words, its parameters, what this very result cannot say, and the terms."""

from collections.abc import Mapping
from typing import Any

from web.report.facts import Answer, Speech
from web.telling import count, decimal, percent

GLOSSARY: Mapping[str, tuple[str, ...]] = {
    "gi": ("expected", "ratio", "interval", "gi", "p", "q", "class", "smoothed", "maup"),
    "moran": ("expected", "ratio", "interval", "moran", "p", "q", "class", "smoothed"),
    "rates": ("expected", "ratio", "interval", "smoothed", "funnel"),
    "scan": ("expected", "ratio", "interval", "rr", "scan", "p"),
    "watch": ("expected", "ratio", "interval", "scan", "p", "recurrence"),
    "dbscan": ("density",),
    "stdbscan": ("density",),
    "hdbscan": ("density",),
    "knox": ("expected", "ratio", "knox", "p"),
    "kde": ("kde",),
    "emerging": ("gi", "emerging", "q"),
    "trend": ("pop", "yoy", "interval"),
    "repeats": ("repeats",),
}
SHARES = frozenset({"share", "largest_share"})


def method_words(speech: Speech) -> list[str]:
    """The method in two or three sentences, as it was used here."""
    method, parameters = speech.facts.method, speech.facts.question["parameters"]
    key = f"method_text.{method}_{parameters['model']}" if method == "scan" else f"method_text.{method}"
    told = [speech.word(key, **{name: _set(speech, name, value) for name, value in parameters.items()})]
    if method in ("gi", "moran", "rates") and speech.facts.question["denominator"] != "none":
        told.append(speech.word("method_text.smoothed", base=speech.base()))
    if "permutations" in parameters:
        told.append(speech.word("method_text.draws", n=count(parameters["permutations"]), seed=speech.facts.question["seed"]))
    return told


def parameters(speech: Speech) -> list[tuple[str, str]]:
    """Every parameter of the method that was set, with what it was."""
    asked = speech.facts.question["parameters"]
    return [(speech.coded("parameter", name), _set(speech, name, value)) for name, value in asked.items() if value is not None]


def caveats(speech: Speech) -> list[str]:
    """What this very result cannot say."""
    return [_caveat(speech, each["code"], each["facts"]) for each in speech.facts.result["caveats"]]


def glossary(speech: Speech) -> list[tuple[str, str]]:
    """The terms that this report uses."""
    return [(speech.word(f"glossary.{term}"), speech.word(f"glossary.{term}_text")) for term in GLOSSARY[speech.facts.method]]


def _caveat(speech: Speech, code: str, facts: Answer) -> str:
    if code == "maup":
        return _maup(speech, facts)
    slots = {name: _told(speech, name, value) for name, value in facts.items()}
    if code == "default_pile":
        slots["done"] = speech.word(f"doubt_done.{facts.get('done', 'kept')}")
    if code == "circle_shape":
        slots["radius"] = speech.word("report.radius", n=count(facts["largest_radius_m"])) if facts.get("largest_radius_m") else ""
    return speech.coded("caveat", code) if not slots else speech.word(f"caveat.{code}", **slots)


def _maup(speech: Speech, facts: Answer) -> str:
    if not facts.get("hot"):
        return speech.word("caveat.maup_unknown")
    return speech.word("caveat.maup", hot=count(facts["hot"]), agree=count(facts.get("agree") or 0))


def _told(speech: Speech, name: str, value: Any) -> str:
    if isinstance(value, list):
        return speech.listed(speech.coded("source", each) if name == "sources" else str(each) for each in value)
    if name == "source":
        return speech.coded("source", value)
    if isinstance(value, float):
        return percent(value) if name in SHARES else decimal(value)
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _set(speech: Speech, name: str, value: Any) -> str:
    return percent(value) if name == "max_share" else _said(speech, value)


def _said(speech: Speech, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return speech.word("report.yes" if value else "report.no")
    if isinstance(value, list):
        return " · ".join(f"{each:g}" for each in value)
    return speech.coded("choice", value) if isinstance(value, str) else f"{value:,g}"
