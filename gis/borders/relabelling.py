"""From faces with new owners to certified borders: pieces that hang loose follow, then the exact proof, then the answer."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from gis.borders.model import Change, Ints, Notice, Shape
from gis.borders.refining import OUTSIDE, THIN_M, Refined
from gis.borders.refusals import refused
from gis.certificate import loose_edges
from gis.crs import LocalMetres
from gis.faces import mean_width_m

ROUNDS = 4
MOST_FOLLOWING = 0.25  # of a grid's ground; more than that is a torn grid, not a loose piece
WORTH_TELLING_M2 = 1.0
NARROW_M = 5.0


def settled(
    refined: Refined, labels: Ints, *, cross: bool, home: Mapping[int, int], mains: Mapping[int, Ints] | None = None
) -> tuple[Ints, list[Notice]]:
    """Labels under which every grid hangs together as much as it did before: loose pieces follow their longest border.

    `home` is the community of each label; a piece follows within its community unless `cross`. `mains`: for labels
    that are new, the faces they grew from. Raises EditRefused (not_contiguous) if a piece was to come to a grid it
    does not touch, has nobody to follow, or is more than a loose end.
    """
    labels, notices = labels.copy(), list[Notice]()
    for _ in range(ROUNDS):
        piece = refined.pieces(labels)
        loose = list(_loose_pieces(refined, labels, piece, mains or {}))
        if not loose:
            return labels, notices
        floating = np.isin(piece, [each for each, _ in loose])
        for each, label in loose:
            faces = np.flatnonzero(piece == each)
            to = _longest_border(refined, labels, faces, floating, home, cross)
            _may_follow(refined, faces, label, to)
            labels[faces] = to
            area = float(refined.faces.area_m2[faces].sum())
            if area >= WORTH_TELLING_M2:
                notices.append(Notice("part_followed", {"grid": label, "to": to, "area_m2": area}))
    raise refused("not_contiguous", refined.faces.shapes[np.flatnonzero(floating)[0]])


def committed(refined: Refined, labels: Ints, *, ended: Collection[int] = (), notices: Collection[Notice] = ()) -> Change:
    """The borders that labels make, if they can be proved: same directed edges before and after, every polygon valid.

    Raises EditRefused: would_be_empty, not_contiguous, nothing_moved, not_certified.
    """
    faces, ground = refined.faces, refined.ground
    old = dict(zip(ground.ids[refined.members].tolist(), ground.shapes[refined.members], strict=True))
    moved = labels != refined.origin
    if not moved.any():
        raise refused("nothing_moved", None)
    new = _dissolved(refined, labels)
    stirred = (set(labels[moved].tolist()) | set(refined.origin[moved].tolist())) - {OUTSIDE}
    _nobody_empty(old, new, ended)
    narrow_ones = refuse_thin(ground.metres, {name: new[name] for name in sorted(stirred) if name in new})
    outside_before, outside_after = refined.outside, new.pop(OUTSIDE, None)
    kind = kind_of(old.values())
    kinds = {name: type(shape) for name, shape in old.items()}
    differing = _differing(old, new)
    after = {name: as_kind(new[name], kinds.get(name, kind)) for name in new if name in differing}
    before = {name: shape for name, shape in old.items() if name in after or name not in new}
    for name, shape in after.items():
        _hangs_together(name, shape, before, old, ended)
    outer = outside_after is not None and bool(_differing({OUTSIDE: outside_before}, {OUTSIDE: outside_after}))
    _prove(before, after, *((outside_before, outside_after) if outer else (None, None)))
    return Change(
        before=before,
        after=after,
        noded_only=frozenset(set(after) & set(before) - stirred),
        moved_m2=float(faces.area_m2[moved].sum()),
        warnings=(*notices, *narrow_ones, *_worth_seeing(refined, labels, after, stirred)),
        outer=outer,
    )


def kind_of(shapes: Collection[Shape]) -> type[Shape]:
    """What the caller keeps grids as: MultiPolygon if any of them is one."""
    return MultiPolygon if any(isinstance(each, MultiPolygon) for each in shapes) else Polygon


def as_kind(shape: Shape, kind: type[Shape]) -> Shape:
    """A polygon as the kind the caller keeps: one part stays a MultiPolygon where it was one."""
    if kind is MultiPolygon and isinstance(shape, Polygon):
        return shapely.multipolygons([shape])
    return shape


def refuse_thin(metres: LocalMetres, shapes: Mapping[int, Shape]) -> list[Notice]:
    """A notice for each grid that is narrow on average; EditRefused (too_thin) if one is thinner than 0.3 m."""
    notices = []
    flat = metres.to_metres(np.array(list(shapes.values()), dtype=object))
    for (name, shape), width in zip(shapes.items(), mean_width_m(flat).tolist(), strict=True):
        if width < THIN_M:
            raise refused("too_thin", shape, grid=name, width_m=round(width, 3))
        if width < NARROW_M:
            notices.append(Notice("thin", {"grid": name, "width_m": round(width, 2)}))
    return notices


def prove(before: Mapping[int, Shape], after: Mapping[int, Shape]) -> None:
    """Raise EditRefused (not_certified) unless every new polygon is valid and the directed edges are the same as before."""
    _prove(before, after, None, None)


def _prove(before: Mapping[int, Shape], after: Mapping[int, Shape], outside_before: Shape | None, outside_after: Shape | None) -> None:
    new, old = list(after.values()), list(before.values())
    if outside_before is not None and outside_after is not None:
        new, old = [*new, outside_after], [*old, outside_before]
    shapes = np.array(new, dtype=object)
    sound = shapely.is_valid(shapes) & ~shapely.is_empty(shapes)
    if not sound.all():
        raise refused("not_certified", shapes[np.argmin(sound)], why="a border would cross itself")
    loose = loose_edges(new, old)
    if loose:
        raise refused("not_certified", loose[0], loose=len(loose))


def _loose_pieces(refined: Refined, labels: Ints, piece: Ints, mains: Mapping[int, Ints]) -> Iterator[tuple[int, int]]:
    """Pieces that are not the main piece of any part their grid came with, and their labels."""
    held: dict[tuple[int, int], float] = defaultdict(float)
    kept = set[int]()
    for label, faces in mains.items():
        kept.update(piece[faces[labels[faces] == label]].tolist())
    area = refined.faces.area_m2
    for face in np.flatnonzero(labels == refined.origin):
        held[int(refined.part[face]), int(piece[face])] += float(area[face])
    best: dict[int, tuple[float, int]] = {}
    for (part, each), size in held.items():
        best[part] = max(best.get(part, (-1.0, 0)), (size, -each))
    kept.update(-each for _, each in best.values())
    label_of = dict(zip(piece.tolist(), labels.tolist(), strict=True))
    for each in sorted(set(label_of) - kept):
        if label_of[each] != OUTSIDE:
            yield each, label_of[each]


def _longest_border(refined: Refined, labels: Ints, faces: Ints, floating: np.ndarray, home: Mapping[int, int], cross: bool) -> int:
    """The grid a loose piece follows; its own label if there is none."""
    one, other, length = refined.neighbours
    own = int(labels[faces[0]])
    edges = np.isin(one, faces) & (labels[other] != own) & (labels[other] != OUTSIDE) & ~floating[other]
    shared: dict[int, float] = defaultdict(float)
    for label, metres in zip(labels[other[edges]].tolist(), length[edges].tolist(), strict=True):
        if cross or home[label] == home[own]:
            shared[label] += metres
    return max(sorted(shared), key=lambda label: shared[label]) if shared else own


def _may_follow(refined: Refined, faces: Ints, label: int, to: int) -> None:
    area, origin = refined.faces.area_m2, refined.origin
    largest = refined.faces.shapes[faces[np.argmax(area[faces])]]
    given = origin[faces] != label
    if to == label or (area[faces[given]].sum() > area[faces[~given]].sum() and refined.thick[faces].any()):
        raise refused("not_contiguous", largest, grid=label)
    if area[faces].sum() > MOST_FOLLOWING * area[origin == label].sum() and refined.thick[faces].any():
        raise refused("not_contiguous", largest, grid=label, area_m2=float(area[faces].sum()))


def _nobody_empty(old: Mapping[int, Shape], new: Mapping[int, Shape], ended: Collection[int]) -> None:
    for name, shape in old.items():
        if name not in ended and name not in new:
            raise refused("would_be_empty", shape, grid=name)


def _hangs_together(name: int, shape: Shape, before: Mapping[int, Shape], old: Mapping[int, Shape], ended: Collection[int]) -> None:
    """A grid has no more pieces than it came with, a new one no more than those it replaces."""
    replaced = [old[name]] if name in old else [before[each] for each in ended]
    if shapely.get_num_geometries(shape) > max((_parts(each) for each in replaced), default=1):
        parts = shapely.get_parts(shape)
        raise refused("not_contiguous", parts[np.argmin(shapely.area(parts))], grid=name)


def _parts(shape: Shape) -> int:
    return int(shapely.get_num_geometries(shape))


def _dissolved(refined: Refined, labels: Ints) -> dict[int, Shape]:
    """The union of the faces of each label, with all their vertices."""
    shapes = refined.faces.shapes
    members: dict[int, list[int]] = defaultdict(list)
    for face, label in enumerate(labels.tolist()):
        members[label].append(face)
    united: dict[int, Shape] = {}
    for label, faces in sorted(members.items()):
        united[label] = shapes[faces[0]] if len(faces) == 1 else shapely.coverage_union_all(shapes[faces])  # type: ignore[assignment]
    return united


def _differing(old: Mapping[int, Shape | None], new: Mapping[int, Shape]) -> set[int]:
    """The names in both whose rings or vertices are not the same, and those that are in `new` only."""
    names = [name for name in new if name in old]
    one = np.array([_plain(old[name]) for name in names], dtype=object)
    other = np.array([_plain(new[name]) for name in names], dtype=object)
    same = shapely.get_num_coordinates(one) == shapely.get_num_coordinates(other)
    same[same] = shapely.equals_exact(shapely.normalize(one[same]), shapely.normalize(other[same]))
    return set(new) - {name for name, equal in zip(names, same.tolist(), strict=True) if equal}


def _plain(shape: Shape | None) -> Shape | None:
    """One part as a polygon, whatever it is kept as."""
    return shape.geoms[0] if isinstance(shape, MultiPolygon) and len(shape.geoms) == 1 else shape


def _worth_seeing(refined: Refined, labels: Ints, after: Mapping[int, Shape], stirred: set[int]) -> Iterator[Notice]:
    one, other, length = refined.neighbours
    for name in sorted(set(after) & stirred):
        rim = (labels[one] == name) & (labels[other] != name)
        around = set(labels[other[rim]].tolist())
        if (
            len(around) == 1
            and OUTSIDE not in around
            and length[rim].sum() > 0.999 * shapely.length(refined.ground.metres.to_metres(after[name]))
        ):
            yield Notice("enclave", {"grid": name, "within": around.pop()})
    thin = ~refined.thick & (labels == refined.origin)
    for face in np.flatnonzero(thin):
        if refined.faces.area_m2[face] >= WORTH_TELLING_M2 and int(labels[face]) in stirred:
            yield Notice("sliver_kept", {"grid": int(labels[face]), "area_m2": float(refined.faces.area_m2[face])})
