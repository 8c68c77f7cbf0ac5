"""Plans on the wire: what a request may ask for. Coordinates of requests are degrees, longitude first."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[int, Field(ge=1, le=2**53)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Place = tuple[Lon, Lat]
MOST_VERTICES = 20_000
Line = Annotated[list[Place], Field(min_length=2, max_length=MOST_VERTICES)]
Ring = Annotated[list[Place], Field(min_length=3, max_length=MOST_VERTICES)]
Pair = tuple[Id, Id]
Ids = Annotated[list[Id], Field(min_length=1, max_length=5_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, Field(max_length=4_000)]
Households = Annotated[int, Field(ge=0, le=1_000_000)]


class In(BaseModel):
    """What comes in names nothing this program does not know."""

    model_config = ConfigDict(extra="forbid")


class PlanIn(In):
    """A new plan over an area."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "枫一社区网格调整", "area": "990101001001", "household_min": 300, "household_max": 500}]},
    )
    name: Name
    area: Annotated[str, Field(min_length=1, max_length=40)]
    scheme: Annotated[str, Field(max_length=40)] | None = None
    note: Note = ""
    household_min: Households | None = None
    household_max: Households | None = None


class PlanPatch(In):
    """A new name or note."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "枫一社区网格调整（二稿）"}]})

    name: Name | None = None
    note: Note | None = None


class CopyIn(In):
    """The name of the copy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "另一种分法"}]})

    name: Name


class Split(In):
    """Cut a grid along a line; what lies on one side becomes a new grid."""

    kind: Literal["split"]
    grid: Id
    line: Line


class Merge(In):
    """Make one grid of several; `keep` says whose number and name remain (the largest, unless given)."""

    kind: Literal["merge"]
    grids: Annotated[list[Id], Field(min_length=2, max_length=200)]
    keep: Id | None = None


class Redraw(In):
    """Draw across a border: what the line cuts off changes hands."""

    kind: Literal["redraw"]
    line: Line
    between: Pair | None = None
    cross_communities: bool = False


class MoveVertex(In):
    """Move a vertex of a border, and with it every border that meets there."""

    kind: Literal["move_vertex"]
    at: Place
    to: Place
    cross_communities: bool = False


class Give(In):
    """Give ground to a grid: atoms, buildings (with the ground that goes with them) or what a lasso holds."""

    kind: Literal["give"]
    to: Id
    atoms: Ids | None = None
    buildings: Ids | None = None
    lasso: Ring | None = None
    take_from: Ids | None = None
    cross_communities: bool = False


class Straighten(In):
    """Lay the border of two grids along roads."""

    kind: Literal["straighten"]
    between: Pair


class Trace(In):
    """Lay the border of two grids along roads and edges of buildings' ground, through some places."""

    kind: Literal["trace"]
    between: Pair
    waypoints: Annotated[list[Place], Field(max_length=200)] = []


class Balance(In):
    """Bring a grid into the band by exchanging atoms with its neighbours."""

    kind: Literal["balance"]
    grid: Id


class ApplyProposal(In):
    """Take an alternative of a proposal that was worked out."""

    kind: Literal["proposal"]
    proposal: Id
    alternative: Annotated[int, Field(ge=0, le=100)]


class Transfer(In):
    """Let grids belong to another community; its border follows."""

    kind: Literal["transfer"]
    grids: Ids
    community: Id


class MergeCommunities(In):
    """Make one community of several."""

    kind: Literal["merge_communities"]
    communities: Annotated[list[Id], Field(min_length=2, max_length=50)]
    keep: Id
    name: Name | None = None


class SplitCommunity(In):
    """Make a new community of some grids."""

    kind: Literal["split_community"]
    community: Id
    grids: Ids
    name: Name
    name_en: Annotated[str, Field(max_length=200)] = ""


class Rename(In):
    """Call a grid otherwise."""

    kind: Literal["rename"]
    grid: Id
    name: Name
    name_en: Annotated[str, Field(max_length=200)] | None = None


class Restore(In):
    """Go back to a named snapshot."""

    kind: Literal["restore"]
    snapshot: Annotated[str, Field(min_length=1, max_length=100)]


Operation = Annotated[
    Split
    | Merge
    | Redraw
    | MoveVertex
    | Give
    | Straighten
    | Trace
    | Balance
    | ApplyProposal
    | Transfer
    | MergeCommunities
    | SplitCommunity
    | Rename
    | Restore,
    Field(discriminator="kind"),
]


class OperationIn(In):
    """One operation: `client_id` makes it safe to send again, `base` holds the version seen of each grid that it names."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "client_id": "6f9b1b1e-1a3c-4c64-9a63-1f6f3b1f0c11",
                    "base": {"810001": 1},
                    "operation": {"kind": "split", "grid": 810001, "line": [[113.002, 27.999], [113.002, 28.005]]},
                }
            ]
        },
    )
    client_id: UUID
    base: dict[Id, Annotated[int, Field(ge=0, le=2**53)]] = {}
    operation: Operation


class StepIn(In):
    """Undo or redo, safe to send again under the same `client_id`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"client_id": "7d1f8a52-3c1b-4f0e-9a56-0c8d2f6f1b11"}]})

    client_id: UUID


class SnapshotIn(In):
    """A name for how the plan is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "征求意见稿"}]})

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CommentIn(In):
    """A remark, at a place or on a grid or on the whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "沿河边界请改到步道外侧。", "place": [113.0005, 28.2005]}]})

    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
    place: Place | None = None
    grid: Id | None = None


class ProposalIn(In):
    """A question for balanced grids. `communities` None: all of the plan; `parts` None: as many grids as the band asks for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"weight": "households", "parts": 4, "alternatives": 3, "seed": 1}]})

    communities: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=1_000)] | None = None
    weight: Literal["households", "residents", "year_incidents"] = "households"
    min: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    max: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    parts: Annotated[int, Field(ge=1, le=10_000)] | None = None
    alternatives: Annotated[int, Field(ge=1, le=8)] = 3
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    mu: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    road: Annotated[float, Field(gt=0, le=1)] = 0.15
    compact: Annotated[float, Field(ge=0, le=100)] | None = None
    locked_grids: Annotated[list[Id], Field(max_length=5_000)] = []
    spare_dedicated: Annotated[bool, Field(description="Grids for one place alone stay as they are.")] = True
    seeds: Annotated[list[Place], Field(max_length=5_000, description="Places that must come to lie in different grids.")] = []
