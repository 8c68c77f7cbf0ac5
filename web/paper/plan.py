"""The paper of a plan: what a reviewer reads and signs. Facts and shapes come in, a document goes out."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import shapely

from web.figures.map import Box, Layer, MapFigure, Mark, bounds_of, inside
from web.paper.document import Block, Bullets, Column, Document, Facts, Figure, Heading, PageBreak, Signatures, Table, Text
from web.telling import count, day, decimal, moment
from web.words import Language, word

Answer = Mapping[str, Any]
Shapes = Mapping[int, shapely.Geometry]
ONE_MAP = 60
"""So many grids are read on one map; where more change, each community gets a map of its own."""
UNITS_LISTED = 3_000
"""So many households are listed by building with their units; where more move, buildings are listed by the grids they go between."""
MAP_HEIGHT, OVERVIEW_HEIGHT = 760.0, 560.0
NEW, ENDED = "new", "ended"
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")


class Building(NamedTuple):
    """A building whose households get another grid; `units` are theirs, in order."""

    address: str
    code: str
    units: tuple[str, ...]
    households: int
    from_grid: int
    to_grid: int


class Lineage(NamedTuple):
    """Ground that went from a grid to a grid, with the shares of the first that went."""

    from_grid: int
    to_grid: int
    kind: str
    area_share: float
    household_share: float | None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the paper tells; shapes are degrees by grid. `moving` None: the reader may not see addresses."""

    plan: Answer
    impact: Answer
    district: str
    time_zone: str
    review_number: str
    as_of: datetime
    before: Shapes
    after: Shapes
    communities: Mapping[int, str]
    """The names of communities by number."""
    home: Mapping[int, int]
    """The community of each grid."""
    around: Sequence[shapely.Geometry]
    roads: Sequence[shapely.Geometry]
    water: Sequence[shapely.Geometry]
    lineage: Sequence[Lineage]
    moving: Sequence[Building] | None


def plan_document(facts: PlanFacts, language: Language) -> Document:
    """The plan as a document for signature."""
    paper = _Paper(facts, language)
    plan = facts.plan
    state = paper.word(f"plan_state.{plan['state']}")
    return Document(
        language=language,
        title=plan["name"],
        subtitle=paper.word("paper.plan_subtitle", area=paper.named(plan["area"]), scheme=paper.named(plan["scheme"]), state=state),
        made_at=facts.as_of,
        header=f"{facts.district} · {paper.word('paper.plan_header')}",
        footer=" · ".join(
            part for part in (paper.word("paper.plan_footer", id=plan["id"], revision=plan["revision"]), facts.review_number) if part
        ),
        page_of=paper.word("paper.page_of"),
        blocks=paper.blocks(),
    )


@dataclass
class _Paper:
    facts: PlanFacts
    language: Language

    def __post_init__(self) -> None:
        grids = self.facts.impact["grids"]
        self.numbers = {grid["id"]: at + 1 for at, grid in enumerate(grids)}
        self.grids = {grid["id"]: grid for grid in grids}

    def word(self, key: str, **facts: object) -> str:
        return word(self.language, key, **facts)

    def named(self, row: Answer | None) -> str:
        row = row or {}
        return str((self.language == "en" and row.get("name_en")) or row.get("name") or row.get("code") or "")

    def blocks(self) -> list[Block]:
        parts: list[Block] = [self.title(), Heading(self.word("paper.in_short")), Bullets(self.sentences(), "lead")]
        if note := str(self.facts.plan["note"]).strip():
            parts += [Heading(self.word("plans.note"), 2), Text(note)]
        parts += self.signatures()
        if self.grids:
            parts += [PageBreak(), Heading(self.word("paper.map")), *self.maps()]
            parts += [Heading(self.word("paper.grids")), self.grid_table(), Heading(self.word("paper.moves")), self.move_table()]
            parts += [Heading(self.word("paper.lineage")), self.lineage_table(), Heading(self.word("paper.households")), *self.households()]
        return parts

    def title(self) -> Facts:
        plan, zone = self.facts.plan, self.facts.time_zone
        at = {deed: moment(plan[f"{deed}_at"], self.language, zone) if plan[f"{deed}_at"] else "–" for deed in DEEDS}
        who = {deed: (plan[f"{deed}_by"] or {}).get("name") or "–" for deed in ("made", "submitted", "decided")}
        band = f"{count(plan['household_min'])}–{count(plan['household_max'])}"
        return Facts(
            [
                (self.word("paper.plan_number"), f"{plan['id']} · {self.word('paper.revision', n=plan['revision'])}"),
                (self.word("plans.state"), self.word(f"plan_state.{plan['state']}")),
                (self.word("plans.area"), f"{self.named(plan['area'])} {plan['area']['code']}"),
                (self.word("plans.scheme"), self.named(plan["scheme"])),
                (self.word("paper.author"), who["made"]),
                (self.word("paper.made_at"), at["made"]),
                (self.word("paper.submitter"), who["submitted"]),
                (self.word("paper.submitted_at"), at["submitted"]),
                (self.word("paper.reviewer"), who["decided"]),
                (self.word("paper.decided_at"), at["decided"]),
                (self.word("paper.effective_at"), at["effective"]),
                (self.word("paper.band"), band),
                (self.word("paper.as_of"), day(self.facts.as_of, self.language, zone)),
            ]
        )

    def sentences(self) -> list[str]:
        impact = self.facts.impact
        if not self.grids:
            return [self.word("paper.changes_nothing")]
        kinds = Counter(self.fate(grid) for grid in self.grids.values())
        before, after, moved = impact["totals"]["before"], impact["totals"]["after"], impact["moved"]
        officers = impact["officers_changed_total"]
        told = [
            self.word(
                "paper.changes",
                n=count(kinds["kept"]), new=count(kinds[NEW]), ended=count(kinds[ENDED]),
                area=decimal(impact["changed_area_m2"] / 10_000, 1), before=count(before["grids"]), after=count(after["grids"]),
            ),
            self.word("paper.moved", households=count(moved["households"]), buildings=count(moved["buildings"])),
            self.word("paper.officers", households=count(officers["households"]), buildings=count(officers["buildings"])),
            self.word(
                "paper.balance",
                before=count(before["in_range"]), of=count(before["grids"]), after=count(after["in_range"]), of_after=count(after["grids"]),
                least=count(after["households_min"]), most=count(after["households_max"]),
            ),
        ]  # fmt: skip
        if moved["open_incidents"]:
            told.append(self.word("paper.open_moved", n=count(moved["open_incidents"])))
        return told

    def fate(self, grid: Answer) -> str:
        return NEW if grid["before"] is None else ENDED if grid["after"] is None else "kept"

    def signatures(self) -> list[Block]:
        plan = self.facts.plan
        who = [(plan[f"{deed}_by"] or {}).get("name", "") for deed in ("made", "decided")]
        boxes = [
            (self.word("paper.sign_author"), who[0]),
            (self.word("paper.sign_reviewer"), who[1]),
            (self.word("paper.sign_community"), self.word("paper.sign_community_text")),
            (self.word("paper.sign_street"), self.word("paper.sign_street_text")),
        ]
        lines = (self.word("paper.signature"), self.word("paper.seal"), self.word("paper.date"))
        return [Heading(self.word("paper.signatures")), Signatures(boxes, lines)]

    # maps

    def maps(self) -> list[Block]:
        drawn = [*self.facts.before.values(), *self.facts.after.values()]
        if len(self.grids) <= ONE_MAP:
            return [self.map("map", self.word("paper.map_caption"), bounds_of(drawn), set(self.grids), MAP_HEIGHT)]
        overview = self.map("map", self.word("paper.map_overview"), bounds_of(drawn), set(), OVERVIEW_HEIGHT)
        groups: dict[int, set[int]] = {}
        for id in self.grids:
            groups.setdefault(self.facts.home.get(id, 0), set()).add(id)
        blocks: list[Block] = [overview]
        for community, ids in sorted(groups.items()):
            shapes = [side[id] for side in (self.facts.before, self.facts.after) for id in ids if id in side]
            caption = self.word("paper.map_of", name=self.facts.communities.get(community, "–"))
            blocks.append(self.map(f"map-{community}", caption, bounds_of(shapes), ids, OVERVIEW_HEIGHT))
        return blocks

    def map(self, key: str, caption: str, bounds: Box, labelled: set[int], tallest: float) -> Figure:
        facts = self.facts
        before, after = _near(facts.before, bounds), _near(facts.after, bounds)
        fresh = [shape for id, shape in after.items() if id not in facts.before]
        kept = [shape for id, shape in after.items() if id in facts.before]
        roads, water, around = (list(_near(dict(enumerate(each)), bounds).values()) for each in (facts.roads, facts.water, facts.around))
        layers = [
            Layer("changed", kept, self.word("paper.key_changed")),
            Layer("fresh", fresh, self.word("paper.key_new") if fresh else ""),
            Layer("water", water),
            Layer("road", roads, self.word("paper.key_road") if roads else ""),
            Layer("around", around, self.word("paper.key_around") if around else ""),
            Layer("old", list(before.values()), self.word("paper.key_old")),
            Layer("new", list(after.values()), self.word("paper.key_after")),
        ]
        gone = {id: shape for id, shape in before.items() if id in labelled and id not in facts.after}
        ended = shapely.union_all(list(gone.values()))
        marks = [self.label(id, _beside(shape, ended)) for id, shape in after.items() if id in labelled]
        marks += [self.label(id, shape) for id, shape in gone.items()]
        figure = MapFigure(bounds, layers, marks, caption, self.word("paper.north"), tallest)
        note = self.word("paper.map_note") if labelled else self.word("paper.map_overview_note")
        return Figure(key, figure.svg(), caption, self.word("paper.map_alt", name=self.facts.plan["name"]), note)

    def label(self, id: int, shape: shapely.Geometry) -> Mark:
        figures = self.grids[id]["after"]
        lived = self.word("paper.ended") if figures is None else self.word("paper.label_households", n=count(figures["households"]))
        return Mark(inside(shape), (str(self.numbers[id]), lived), "name" if figures is None else "label")

    # tables

    def grid_name(self, id: int) -> str:
        grid = self.grids[id]
        return f"{grid['name']} {grid['code'] or self.word('paper.no_code')}"

    def grid_table(self) -> Table:
        columns = [
            Column("no", self.word("paper.no"), "count", 0.7),
            Column("grid", self.word("level.grid"), share=2.5),
            Column("households", self.word("card.households"), "change_count", 1.5),
            Column("deviation", self.word("figure.deviation"), "signed", 0.9),
            Column("residents", self.word("figure.residents"), "change_count", 1.6),
            Column("area_m2", self.word("figure.area_ha"), "change_hectares", 1.6),
            Column("perimeter_m", self.word("paper.perimeter"), "change_count", 1.6),
            Column("compactness", self.word("figure.compactness"), "change_decimal2", 1.3),
            Column("officer", self.word("card.officer"), "change_text", 1.6),
            Column("open_incidents", self.word("card.open"), "change_count", 1.0),
        ]
        rows = [self.grid_row(grid) for grid in self.grids.values()]
        return Table("grids", self.word("paper.grids_caption"), columns, rows, self.word("paper.grids_note"), self.total_row())

    def grid_row(self, grid: Answer) -> Answer:
        before, after = grid["before"] or {}, grid["after"] or {}
        pairs = {name: (before.get(name), after.get(name)) for name in PAIRED}
        officers = tuple((side.get("officer") or {}).get("name") for side in (before, after))
        name = self.grid_name(grid["id"])
        return {
            **pairs, "no": self.numbers[grid["id"]], "officer": officers, "deviation": after.get("deviation"),
            "grid": name if self.fate(grid) == "kept" else f"{name} · {self.word(f'paper.{self.fate(grid)}')}",
        }  # fmt: skip

    def total_row(self) -> Answer:
        before, after = (self.facts.impact["totals"][side] for side in ("before", "after"))
        summed = {name: (before.get(name), after.get(name)) for name in PAIRED if name != "perimeter_m"}
        return {"grid": self.word("paper.total", before=count(before["grids"]), after=count(after["grids"])), **summed}

    def move_table(self) -> Table:
        columns = [
            Column("from", self.word("paper.from_grid"), share=2.6),
            Column("to", self.word("paper.to_grid"), share=2.6),
            Column("area_m2", self.word("figure.area_ha"), "hectares", 1.1),
            Column("households", self.word("card.households"), "count", 0.9),
            Column("residents", self.word("figure.residents"), "count", 0.9),
            Column("buildings", self.word("card.buildings"), "count", 0.8),
            Column("open_incidents", self.word("card.open"), "count", 0.9),
            Column("officer", self.word("card.officer"), "change_text", 1.8),
        ]
        rows = [
            {
                **move, "from": self.numbered(move["from_grid"]), "to": self.numbered(move["to_grid"]),
                "officer": tuple((move[f"{side}_officer"] or {}).get("name") for side in ("from", "to")),
            }
            for move in self.facts.impact["moves"]
        ]  # fmt: skip
        total = {"from": self.word("paper.sum"), **self.facts.impact["moved"], "area_m2": self.facts.impact["changed_area_m2"]}
        return Table("moves", self.word("paper.moves_caption"), columns, rows, "", total, self.word("paper.moves_none"))

    def numbered(self, id: int) -> str:
        return f"{self.numbers[id]} {self.grids[id]['name']}" if id in self.numbers else "–"

    def lineage_table(self) -> Table:
        columns = [
            Column("from", self.word("paper.from_grid"), share=2.6),
            Column("from_code", self.word("paper.code"), share=1.8),
            Column("kind", self.word("paper.lineage_kind"), share=1),
            Column("to", self.word("paper.to_grid"), share=2.6),
            Column("to_code", self.word("paper.code"), share=1.8),
            Column("area_share", self.word("paper.area_share"), "percent", 1),
            Column("household_share", self.word("paper.household_share"), "percent", 1),
        ]
        rows = [
            {
                "from": self.numbered(piece.from_grid), "to": self.numbered(piece.to_grid), "kind": self.word(f"lineage.{piece.kind}"),
                "from_code": self.code(piece.from_grid), "to_code": self.code(piece.to_grid),
                "area_share": piece.area_share, "household_share": piece.household_share,
            }
            for piece in self.facts.lineage
        ]  # fmt: skip
        note = self.word("paper.lineage_note")
        return Table("lineage", self.word("paper.lineage_caption"), columns, rows, note, empty=self.word("paper.lineage_none"))

    def code(self, id: int) -> str:
        return (self.grids[id]["code"] if id in self.grids else None) or self.word("paper.no_code")

    def households(self) -> list[Block]:
        moving = self.facts.moving
        if moving is None:
            return [Text(self.word("paper.households_hidden", n=count(self.facts.impact["moved"]["households"])))]
        total = sum(each.households for each in moving)
        by_building = total <= UNITS_LISTED
        columns, rows = self.by_building(moving) if by_building else self.by_grids(moving)
        note = "" if by_building else self.word("paper.households_short", n=count(UNITS_LISTED))
        caption = self.word("paper.households_caption", n=count(total), buildings=count(len(moving)))
        sum_up = {columns[0].key: self.word("paper.sum"), "households": total}
        return [Table("households", caption, columns, rows, note, sum_up, self.word("paper.households_none"))]

    def by_building(self, moving: Sequence[Building]) -> tuple[list[Column], list[Answer]]:
        columns = [
            Column("address", self.word("paper.address"), share=2.6),
            Column("code", self.word("paper.building"), share=1.5),
            Column("units", self.word("paper.units"), share=4),
            Column("households", self.word("card.households"), "count", 0.7),
            Column("from", self.word("paper.from_grid"), share=2),
            Column("to", self.word("paper.to_grid"), share=2),
        ]
        rows: list[Answer] = [
            {
                "address": each.address, "code": each.code, "households": each.households, "units": ", ".join(in_ranges(each.units)),
                "from": self.numbered(each.from_grid), "to": self.numbered(each.to_grid),
            }
            for each in moving
        ]  # fmt: skip
        return columns, rows

    def by_grids(self, moving: Sequence[Building]) -> tuple[list[Column], list[Answer]]:
        """One row for all that go from one grid to another: a table of each building would fill hundreds of sheets."""
        columns = [
            Column("from", self.word("paper.from_grid"), share=2),
            Column("to", self.word("paper.to_grid"), share=2),
            Column("households", self.word("card.households"), "count", 0.8),
            Column("addresses", self.word("paper.addresses"), share=8),
        ]
        groups: dict[tuple[int, int], list[Building]] = {}
        for each in moving:
            groups.setdefault((each.from_grid, each.to_grid), []).append(each)
        rows: list[Answer] = [
            {
                "from": self.numbered(start), "to": self.numbered(end), "households": sum(each.households for each in group),
                "addresses": "; ".join(f"{each.address or each.code} ({count(each.households)})" for each in group),
            }
            for (start, end), group in sorted(groups.items(), key=lambda item: [self.numbers.get(id, 0) for id in item[0]])
        ]  # fmt: skip
        return columns, rows


DEEDS = ("made", "submitted", "decided", "effective")
PAIRED = ("households", "residents", "area_m2", "perimeter_m", "compactness", "open_incidents")


def in_ranges(units: Sequence[str]) -> list[str]:
    """Units with those that follow each other as one: 1-101, 1-102, 1-103 → 1-101–103."""
    parts = [_NUMBERED.fullmatch(unit) for unit in units]
    plain = [unit for unit, part in zip(units, parts, strict=True) if part is None]
    numbered = sorted({(part[1], int(part[2]), part[2]) for part in parts if part})
    runs: list[list[tuple[str, int, str]]] = []
    for each in numbered:
        if runs and runs[-1][-1][0] == each[0] and runs[-1][-1][1] + 1 == each[1]:
            runs[-1].append(each)
        else:
            runs.append([each])
    told = [f"{run[0][0]}{run[0][2]}" + (f"–{run[-1][2]}" if len(run) > 1 else "") for run in runs]
    return told + plain


def _beside(shape: shapely.Geometry, ended: shapely.Geometry) -> shapely.Geometry:
    """Where a grid's label has room: on ground where no grid ended, as long as some is left."""
    free = shapely.difference(shape, ended)
    return shape if shapely.is_empty(free) or shapely.area(free) < shapely.area(shape) / 20 else free


def _near(shapes: Shapes, bounds: Box) -> dict[int, shapely.Geometry]:
    """Those shapes whose boxes meet a sheet's."""
    if not shapes:
        return {}
    west, south, east, north = bounds
    boxes = shapely.bounds(np.array(list(shapes.values()), dtype=object))
    meets = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    return {id: shape for (id, shape), near in zip(shapes.items(), meets.tolist(), strict=True) if near}
