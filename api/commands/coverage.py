"""`coverage`: check and mend any file of polygons that should tile their ground; no server, no database."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import shapely
import typer
from shapely.geometry import MultiPolygon, Polygon

from api.commands.coverage_mend import Mended, mended
from data.files.polygon_writing import refuse_format, write_polygons
from data.files.polygons import PolygonFile, polygons_in
from gis.crs import STORAGE_EPSG, geometry_from
from gis.defects import as_read, defects
from gis.errors import BadValue, Refusal
from gis.faces import coverage_union, polygonal
from gis.lattice import on_lattice

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
STEPS = ("snap", "slivers", "fit")
UNTILED = ("invalid", "self_crossing", "empty", "overlap", "gap", "outside", "unnoded")
"""Kinds with which polygons do not tile their ground exactly."""
FROM_US = 0.5
"""Share of vertices on the lattice from which a vertex off it is a defect; other files never were on it."""
RIM_M = 0.002
"""How far the rim may be off the parent: mending moves it to the lattice, by less than a millimetre."""
TOLD = 40
BAD_INPUT = 2

File = Annotated[Path, typer.Argument(help="Polygons: GeoPackage, Shapefile (.zip too), GeoJSON, GeoParquet, FlatGeobuf, KML, GML …")]
Parent = Annotated[Path | None, typer.Option(help="File with the ground that the polygons are to tile; several polygons count as one.")]
Code = Annotated[str | None, typer.Option(help="Column that names a polygon. Default: code or 编码, else the row number.")]
LayerName = Annotated[str | None, typer.Option("--layer", help="Layer of a file that holds several.")]
Crs = Annotated[str | None, typer.Option(help="Coordinate system of a file that says none, such as EPSG:4549.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def _bad_input_is_two(command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except Refusal as refused:
            print(f"wangge: {refused.message}", file=sys.stderr)
            sys.exit(BAD_INPUT)

    return run


@app.command()
@_bad_input_is_two
def check(
    file: File,
    parent: Parent = None,
    code: Code = None,
    layer: LayerName = None,
    crs: Crs = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the defects as a layer too (.geojson, .gpkg).")] = None,
    as_json: AsJson = False,
) -> None:
    """Find every overlap, gap, sliver, broken ring, double code … with its place and size.

    Exit status: 0 without defects, 1 with, 2 when a file cannot be used.
    """
    given = polygons_in(file, code=code, layer=layer, crs=crs)
    outline = None if parent is None else _outline(parent, given, crs)
    on = _lattice_share(given)
    frame = gpd.GeoDataFrame({"code": given.codes}, geometry=list(given.shapes), crs=given.system)
    found = defects(frame, outline, metres=given.metres, lattice=on >= FROM_US, rim_m=RIM_M)
    if output is not None:
        _write_defects(found, output, given)
    if as_json:
        print(json.dumps(_answer(given, found, on), ensure_ascii=False))
    else:
        _tell(file, given, found)
    if len(found):
        sys.exit(1)


@app.command()
@_bad_input_is_two
def mend(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: File,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; its suffix says the format, without one as the input.")],
    parent: Parent = None,
    steps: Annotated[str, typer.Option(help="Which of snap, slivers, fit are done.")] = ",".join(STEPS),
    gap: Annotated[
        float | None, typer.Option(min=0, help="Fill gaps up to this mean width, metres. Default: all within a parent, else 10.")
    ] = None,
    code: Code = None,
    layer: LayerName = None,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Make polygons tile their ground exactly, and tell every square metre that changes hands.

    snap nodes all borders on a lattice of 2^-27 degree and rebuilds broken rings; slivers gives gaps and overlaps to the
    neighbour with the longest common border; fit cuts off what lies outside the parent. Columns and coordinate system
    stay. Exit status: 0 when the result is exact, 1 when something was left that the steps do not mend, 2 when a file
    cannot be used.
    """
    target = output if output.suffix else output.with_name(output.name + file.suffix)
    if target.exists() and file.exists() and target.samefile(file):
        raise BadValue("The result would replace the file it is made from; name another with -o.")
    refuse_format(target)
    wanted = tuple(step.strip() for step in steps.split(",") if step.strip())
    unknown = [step for step in wanted if step not in STEPS]
    if unknown:
        raise BadValue(f"There is no step {', '.join(unknown)}; there are {', '.join(STEPS)}.")
    given = polygons_in(file, code=code, layer=layer, crs=crs)
    ground = None if parent is None else polygons_in(parent, crs=crs)
    result = mended(given, ground, steps=wanted, gap_m=gap)
    notes = write_polygons(result.frame, target, layer=given.layer)
    if as_json:
        print(json.dumps({"output": str(target), **result.facts(), "notes": [*given.notes, *result.notes, *notes]}, ensure_ascii=False))
    else:
        _tell_mended(target, result, [*given.notes, *result.notes, *notes])
    if not result.exact or result.left:
        sys.exit(1)


def _outline(parent: Path, given: PolygonFile, crs: str | None) -> Polygon | MultiPolygon:
    """The parent's ground in the coordinates of the file that is checked."""
    ground = polygons_in(parent, crs=crs)
    if ground.system.equals(given.system, ignore_axis_order=True):
        shapes = ground.shapes
    elif given.system.is_geographic:
        shapes = ground.degrees
    else:
        shapes = np.array(gpd.GeoSeries(list(ground.degrees), crs=STORAGE_EPSG).to_crs(given.system).array, dtype=object)
    whole = coverage_union(shapes)
    if whole is not None and shapely.is_valid(whole):
        return whole
    return polygonal(shapely.union_all(as_read(shapes)))


def _lattice_share(given: PolygonFile) -> float:
    """How much of the vertices lies on the lattice; 0 for coordinates in metres."""
    if not given.system.is_geographic:
        return 0.0
    return float(on_lattice(np.asarray(shapely.points(shapely.get_coordinates(given.shapes)))).mean())


def _answer(given: PolygonFile, found: gpd.GeoDataFrame, on: float) -> dict[str, object]:
    degrees = geometry_from(given.system, np.array(found.geometry.array, dtype=object)) if len(found) else np.empty(0, dtype=object)
    return {
        "polygons": len(given.shapes),
        "exact": not found["kind"].isin(UNTILED).any(),
        "on_lattice": on == 1.0,
        "crs": given.system.to_string() if given.system.to_authority() is None else ":".join(given.system.to_authority()),
        "defects": [
            {
                "kind": row.kind, "codes": [str(each) for each in row.codes], "place": _place(row.geometry), "lonlat": _place(shape),
                "area_m2": _round(row.area_m2), "width_m": _round(row.width_m), "length_m": _round(row.length_m),
                "detail": row.detail, "suggestion": row.suggestion,
            }
            for row, shape in zip(found.itertuples(index=False), degrees, strict=True)
        ],
        "notes": given.notes,
    }  # fmt: skip


def _place(shape: shapely.Geometry) -> list[float] | None:
    """A point of the defect itself."""
    if shapely.is_empty(shape):
        return None
    inner = shapely.point_on_surface(shape)
    return [float(inner.x), float(inner.y)]


def _round(metres: float) -> float:
    """Six digits are enough for people and programs; a micrometre is far below the lattice."""
    return float(f"{metres:.6g}")


def _write_defects(found: gpd.GeoDataFrame, path: Path, given: PolygonFile) -> None:
    table = found.assign(codes=[", ".join(map(str, each)) for each in found["codes"]])
    write_polygons(table.set_crs(given.system, allow_override=True), path, layer="defects")


def _tell(file: Path, given: PolygonFile, found: gpd.GeoDataFrame) -> None:
    for note in given.notes:
        print(f"note: {note}")
    named = "rows" if given.row_numbers else "polygons"
    if not len(found):
        print(f"{file.name}: {len(given.shapes)} {named}, no defects.")
        return
    counts = ", ".join(f"{count} × {kind}" for kind, count in found["kind"].value_counts().items())
    print(f"{file.name}: {len(given.shapes)} {named}, {len(found)} defects: {counts}")
    for row in found.sort_values("area_m2", ascending=False).head(TOLD).itertuples(index=False):
        place = _place(row.geometry)
        where = "nowhere" if place is None else f"{place[0]:.7g} {place[1]:.7g}"
        size = f"{row.area_m2:>12.3f} m² {row.width_m:>9.4f} m wide" if row.area_m2 else f"{row.length_m:>12.3f} m long {'':>9}"
        print(f"  {row.kind:<16} {size}  at {where}  {', '.join(map(str, row.codes))[:60]}: {row.detail} → {row.suggestion}")
    if len(found) > TOLD:
        print(f"  … and {len(found) - TOLD} more; --json or -o FILE tells all.")


def _tell_mended(target: Path, result: Mended, notes: list[str]) -> None:
    total = sum(each["area_m2"] for each in result.moved)
    print(f"{target}: {len(result.frame)} polygons, {'an exact tiling' if result.exact else 'NOT an exact tiling'}, in {result.crs}")
    print(f"  changed hands: {total:.3f} m² in {len(result.moved)} pairs")
    for each in result.moved[:TOLD]:
        print(f"    {each['area_m2']:>14.3f} m²  {each['from'] or 'nobody'} → {each['to'] or 'nobody'}")
    for each in result.left:
        print(f"  left: {each['kind']} {', '.join(map(str, each['codes']))} {each['area_m2']} m²: {each['reason']}")
    for note in notes:
        print(f"  note: {note}")
