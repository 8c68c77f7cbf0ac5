"""Words keeps every text people read in two plain tables, so that code elsewhere speaks in codes only."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
HTML_LANGUAGE: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_LOCALES = Path(__file__).parent / "locales"
_SLOT = re.compile(r"\{(\w+)\}")


def language_of(asked: str | None, fallback: Language = "zh") -> Language:
    """The language a code or an Accept-Language header means; Chinese where it means none of ours."""
    for tag in (asked or "").lower().split(","):
        for language in LANGUAGES:
            if tag.strip().startswith(language):
                return language
    return fallback


@cache
def table(language: Language) -> Mapping[str, str]:
    """All words of a language by dotted key, for a page or for its scripts."""
    with (_LOCALES / f"{language}.toml").open("rb") as file:
        return MappingProxyType(dict(_flat(tomllib.load(file))))


def word(language: Language, key: str, **facts: object) -> str:
    """One text with its slots filled. Raises KeyError for a key nobody wrote: a test reads them all."""
    return _SLOT.sub(lambda slot: str(facts.get(slot[1], slot[0])), table(language)[key])


def slots(text: str) -> frozenset[str]:
    """The names of the slots of a text; both languages must have the same."""
    return frozenset(_SLOT.findall(text))


def _flat(tree: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, str(value))]
    return found
