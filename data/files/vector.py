"""Reads layers of shapes through GDAL, row by row accounted for: what GDAL would skip is counted, what it cannot decode is named."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from data.files import encoding
from data.files.layer import Findings, Layer, Question, Shapes, unique_names
from gis.errors import BadFile

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
MAX_COUNTED_BYTES = 400_000_000
JSON_SIGNS = (b"Feature", b"coordinates", b"geometries", b"rings", b"paths")


def shapefile(path: Path, question: Question, folder: Path) -> Layer:
    """A shapefile with what lies beside it; a missing .shx is rebuilt in `folder`, never where the file came from."""
    main = _gathered(path, folder)
    table = main.with_suffix(".dbf")
    found = encoding.of_dbf(table, question.encoding) if table.exists() else encoding.Found("utf-8", "no table")
    if not main.with_suffix(".shx").exists():
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
    indexed = main.with_suffix(".shx").exists()
    layer = _read(main, question, "shapefile", text=encoding.for_gdal(found.encoding))
    findings = layer.findings
    findings.encoding, findings.encoding_how, findings.encoding_sure = found.encoding, found.how, found.sure
    if not indexed:
        findings.notes.append("The .shx index was missing and has been rebuilt.")
    if not table.exists():
        findings.notes.append("There is no .dbf beside it: shapes without attributes.")
    elif question.limit is None:
        _count_against(layer, int.from_bytes(table.read_bytes()[4:8], "little"), "records in the .dbf")
    return layer


def table_of_shapefile(path: Path, question: Question, folder: Path) -> Layer:
    """A .dbf for itself: rows without shapes. Read from a copy, since GDAL would look for a .shp beside it."""
    found = encoding.of_dbf(path, question.encoding)
    alone = folder / "table.dbf"
    shutil.copyfile(path, alone)
    layer = _read(alone, question, "dbf", text=encoding.for_gdal(found.encoding))
    layer.findings.encoding, layer.findings.encoding_how, layer.findings.encoding_sure = found.encoding, found.how, found.sure
    return layer


def geojson(path: Path, question: Question) -> Layer:
    """GeoJSON, lines of GeoJSON or TopoJSON; features that GDAL leaves out are counted and said."""
    with path.open("rb") as opened:
        head = opened.read(4096)
    if not head.strip(b"\x1e \t\r\n\xef\xbb\xbf"):
        raise BadFile("The file is empty.")
    topology = b'"Topology"' in head
    if not topology and not any(word in head for word in JSON_SIGNS) and path.stat().st_size <= len(head):
        raise BadFile("It is JSON, but no layer: there are no features in it. Ask for the file again.")
    layer = _read(path, question, "topojson" if topology else "geojson", options={} if topology else {"DATE_AS_STRING": "YES"})
    if topology:
        layer.findings.crs = None
    elif question.limit is None and path.stat().st_size <= MAX_COUNTED_BYTES:
        expected = _features_in(path)
        if expected is not None:
            _count_against(layer, expected, "features in the file")
    return layer


def database(path: Path, question: Question, kind: str) -> Layer:
    """GeoPackage, FlatGeobuf or a file geodatabase."""
    return _read(path, question, kind)


def geoparquet(path: Path, question: Question) -> Layer:
    """GeoParquet; a Parquet file without geometry comes back as a table."""
    import pyarrow.parquet as pq  # noqa: PLC0415  heavy, and only this format needs it

    try:
        if b"geo" not in (pq.read_schema(path).metadata or {}):
            frame = pq.read_table(path).to_pandas()
            rows = _limited(frame, question)
            return Layer(rows, _points_of(rows, question), Findings(kind="parquet"), spatial=bool(question.x))
        frame = gpd.read_parquet(path)
    except (OSError, ValueError, KeyError, NotImplementedError) as broken:
        raise BadFile(f"The Parquet file cannot be read: {_first_line(broken)}") from broken
    frame = _limited(frame, question)
    findings = Findings(kind="geoparquet", crs=_crs_name(frame.crs))
    return Layer(pd.DataFrame(frame.drop(columns=frame.geometry.name)), _flat(frame.geometry.to_numpy(), findings), findings, spatial=True)


def _read(path: Path, question: Question, kind: str, *, text: str | None = None, options: dict[str, str] | None = None) -> Layer:
    findings = Findings(kind=kind)
    findings.layers = _layers(path)
    findings.layer = _chosen(findings.layers, question.layer, path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            meta, _, wkb, values = pyogrio.raw.read(
                path, layer=findings.layer, encoding=text, max_features=question.limit, datetime_as_string=True, **(options or {})
            )
        except UnicodeDecodeError as broken:
            raise BadFile(f'The text is not {text}. Say which encoding it is: encoding = "gb18030", for instance.') from broken
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.FieldError,
            ValueError,
            RuntimeError,
        ) as broken:
            raise BadFile(f"The file cannot be read: {_first_line(broken)}") from broken
    findings.notes += sorted({str(each.message)[:200] for each in caught if issubclass(each.category, RuntimeWarning | UserWarning)})[:20]
    findings.crs = meta["crs"]
    findings.encoding = meta.get("encoding")
    names = unique_names([str(each) for each in meta["fields"]])
    count = len(values[0]) if values else (len(wkb) if wkb is not None else 0)
    rows = pd.DataFrame(dict(zip(names, values, strict=True)), index=range(count))
    shapes = _shapes(wkb, findings) if wkb is not None else np.full(count, None, dtype=object)
    return Layer(rows, _flat(shapes, findings), findings, spatial=wkb is not None)


def _layers(path: Path) -> list[str]:
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, UnicodeDecodeError) as broken:
        raise BadFile(f"The file cannot be opened: {_first_line(broken)}") from broken


def _chosen(layers: list[str], asked: str | None, path: Path) -> str:
    if not layers:
        raise BadFile("The file holds no layer.")
    if asked in layers:
        return asked
    if len(layers) > 1 and asked is None:
        raise BadFile(f"The file holds {len(layers)} layers; say which with layer = …: {', '.join(layers[:20])}", layers=layers)
    if asked is not None and asked not in (path.stem, path.name):  # a member of an archive has been chosen by its name already
        raise BadFile(f"There is no layer {asked!r} in it. It holds: {', '.join(layers[:20])}", layers=layers)
    return layers[0]


def _shapes(wkb: Any, findings: Findings) -> Shapes:
    """Geometries from well-known binary; what cannot be read is None, with its reason."""
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object).reshape(len(wkb))
    for row in np.flatnonzero(shapely.is_missing(shapes)):
        if wkb[row] is not None:
            findings.broken[str(row)] = _why(wkb[row])
    return shapes


def _why(wkb: bytes) -> str:
    try:
        shapely.from_wkb(wkb)
    except shapely.errors.GEOSException as broken:
        return f"The shape cannot be read: {_first_line(broken)}"
    return "The shape cannot be read."


def _flat(shapes: Any, findings: Findings) -> Shapes:
    """Shapes without heights and measures."""
    array = np.asarray(shapes, dtype=object)
    high = shapely.has_z(array) | shapely.has_m(array)
    if high.any():
        findings.notes.append(f"Heights or measures of {int(high.sum())} shapes were left out.")
        array = shapely.force_2d(array)
    return array


def _count_against(layer: Layer, expected: int, of_what: str) -> None:
    missing = expected - len(layer)
    if missing > 0:
        layer.findings.notes.append(f"{missing} of {expected} {of_what} are deleted or not readable and are not among the rows.")


def _features_in(path: Path) -> int | None:
    """How many features a GeoJSON text holds; None where that is not a question."""
    try:
        with path.open("rb") as opened:
            document = json.load(opened)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict) and document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
        return len(document["features"])
    return 1 if isinstance(document, dict) else None


def _gathered(path: Path, folder: Path) -> Path:
    """Copies of a shapefile's parts under one stem, whatever the case of their suffixes."""
    if path.parent.resolve().is_relative_to(folder.resolve()):
        home = path.parent
        for sibling in list(home.iterdir()):
            if sibling.stem == path.stem and sibling.suffix != sibling.suffix.lower():
                sibling.rename(sibling.with_suffix(sibling.suffix.lower()))
        return path.with_suffix(".shp")
    home = folder / "shapefile"
    home.mkdir(exist_ok=True)
    for sibling in path.parent.iterdir():
        if sibling.stem == path.stem and sibling.suffix.lower() in SHAPEFILE_PARTS:
            shutil.copyfile(sibling, home / f"layer{sibling.suffix.lower()}")
    return home / "layer.shp"


def _limited(frame: Any, question: Question) -> Any:
    return frame if question.limit is None else frame.head(question.limit)


def _points_of(rows: pd.DataFrame, question: Question) -> Shapes:
    """The points of a table's columns of numbers, where both are there; else none."""
    shapes = np.full(len(rows), None, dtype=object)
    if question.x in rows and question.y in rows:
        x, y = (pd.to_numeric(rows[name], errors="coerce").to_numpy(dtype=np.float64) for name in (question.x, question.y))
        known = np.isfinite(x) & np.isfinite(y)
        shapes[known] = shapely.points(x[known], y[known])
    return shapes


def _crs_name(crs: Any) -> str | None:
    if crs is None:
        return None
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_wkt())


def _first_line(broken: BaseException) -> str:
    """What GDAL or GEOS said, without folders of this machine."""
    text = str(broken).strip().splitlines()[0] if str(broken).strip() else type(broken).__name__
    return " ".join(Path(word.strip("'\"")).name if "/" in word and len(word) > 1 else word for word in text.split(" "))[:300]
