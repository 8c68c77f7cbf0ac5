"""What a report is made of: an analysis as it is stored, and what its ids are called in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import shapely

from web import telling
from web.words import Language, table, word

Answer = Mapping[str, Any]
SIGNIFICANT = 0.05
COUNTED = ("households", "residents", "incidents")


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called in one language; what is not here is told by its number."""

    areas: Mapping[int, str] = field(default_factory=dict)
    categories: Mapping[int, str] = field(default_factory=dict)
    officers: Mapping[int, str] = field(default_factory=dict)
    buildings: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportFacts:
    """One analysis (docs/analyses.md gives its shape) with its borders (degrees, by unit) and names."""

    analysis: Answer
    result: Answer
    accuracy: Answer | None
    borders: Mapping[int, shapely.Geometry]
    names: Names
    area: str
    district: str
    time_zone: str
    review_number: str

    @property
    def question(self) -> Answer:
        """What was asked, complete."""
        asked: Answer = self.analysis["question"]
        return asked

    @property
    def method(self) -> str:
        """The code of the method."""
        return str(self.question["method"])

    @property
    def summary(self) -> Answer:
        """Totals."""
        told: Answer = self.result["summary"]
        return told

    @property
    def clusters(self) -> Sequence[Answer]:
        """By rank."""
        told: Sequence[Answer] = self.result["clusters"]
        return told

    @property
    def first(self) -> date:
        """The first day of the period."""
        return date.fromisoformat(self.question["from"])

    @property
    def last(self) -> date:
        """The last day of the period."""
        return date.fromisoformat(self.question["to"])

    @property
    def made_at(self) -> datetime:
        """When the result was stored."""
        at = self.analysis["done_at"] or self.analysis["asked_at"]
        return datetime.fromisoformat(at) if isinstance(at, str) else at

    @cached_property
    def units(self) -> Mapping[int, Answer]:
        """Units by id: of a grid or of a community."""
        return {each["grid_id"] if each["grid_id"] is not None else each["community_id"]: each for each in self.result["units"]}


@dataclass(frozen=True)
class Speech:
    """Says things of a report in one language."""

    facts: ReportFacts
    language: Language

    def word(self, key: str, **slots: object) -> str:
        """A text with its slots filled; `unit` and `units` are what counts are of."""
        named = {each: word(self.language, f"report.{each}_{self.facts.question['unit']}") for each in ("unit", "units")}
        return word(self.language, key, **named | slots)

    def coded(self, family: str, code: object) -> str:
        """A code's text, or the code itself where there is none."""
        key = f"{family}.{code}"
        return self.word(key) if key in table(self.language) else str(code)

    def counted(self, key: str, n: int, **slots: object) -> str:
        """A text about a number of things: English has another one for a single thing."""
        single = f"{key}_one"
        return self.word(single if n == 1 and single in table(self.language) else key, n=telling.count(n), **slots)

    def number(self, value: float | None) -> str:
        """A count; what is held back is told as fewer than the least that is told."""
        return self.word("report.few", n=self.facts.question["small_cell"]) if value is None else telling.count(value)

    def listed(self, texts: Iterable[str]) -> str:
        """Several texts as one."""
        return telling.listed(list(texts), self.language)

    def period(self) -> str:
        """The period asked for."""
        return telling.span(self.facts.first, self.facts.last, self.language)

    def days(self, period: Answer) -> str:
        """A cluster's own days."""
        return telling.span(date.fromisoformat(period["from"]), date.fromisoformat(period["to"]), self.language)

    def categories(self) -> str:
        """Which categories were asked for."""
        asked = self.facts.question["category_ids"]
        names = [self.facts.names.categories.get(each, str(each)) for each in asked]
        if not asked:
            return self.word("report.all_categories")
        return self.listed(names[:6]) + (self.word("report.and_more", n=len(names) - 6) if len(names) > 6 else "")

    def sources(self) -> str:
        """Which sources were asked for."""
        asked = self.facts.question["sources"]
        return self.listed(self.coded("source", each) for each in asked) if asked else self.word("report.all_sources")

    def base(self) -> str:
        """What rates are per."""
        return self.word(f"report.base.{self.facts.question['denominator']}")

    def community(self, id: int | None) -> str:
        """The name of a community."""
        return "" if id is None else self.facts.names.areas.get(id, str(id))

    def unit(self, id: int) -> str:
        """The name of a grid without that of its community, which stands beside it."""
        row = self.facts.units.get(id)
        if row is None:
            return str(id)
        name = str((self.language == "en" and row.get("name_en")) or row["name"] or row["code"])
        around = self.community(row["community_id"])
        return name.removeprefix(around).strip() or name

    def place(self, cluster: Answer) -> str:
        """Where a cluster is: its community, whether it reaches beyond, and how many grids or metres it has."""
        where, members = cluster["place"], cluster["members"]
        at = self.community(where["community_id"]) if where else self.listed(self.community(each) for each in cluster["community_ids"][:3])
        others = len(cluster["community_ids"]) - 1
        if where and others > 0:
            at = self.counted("report.and_communities", others, name=at)
        # Grids of several communities may bear one name.
        told = self.grids(members, most=3 if len(cluster["community_ids"]) <= 1 else 0)
        return f"{at}{self.word('report.of_grids', grids=told)}" if members and self.facts.question["unit"] == "grid" else at

    def grids(self, members: Sequence[int], most: int = 3) -> str:
        """Grids of a cluster: by name while they are few."""
        if len(members) > most:
            return self.counted("report.n_grids", len(members))
        return self.listed(self.unit(each) for each in members)
