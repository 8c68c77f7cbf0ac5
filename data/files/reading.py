"""One file in, one layer out: looks at the bytes, not at the name, to know what a file is."""

import re
from collections.abc import Iterable
from pathlib import Path

from data.files import archive, tables, vector
from data.files.layer import Layer, Question
from gis.errors import BadFile

MAX_FILE_BYTES = 2_000_000_000
TEXT_TABLES = {".csv", ".tsv", ".txt", ".tab", ""}
BESIDE = {".shx", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qpj", ".aux", ".xml", ".properties", ".md", ".pdf", ".html"}
"""What lies beside a layer and is none itself."""
KINDS = (
    "GeoPackage, file geodatabase (.gdb in a .zip), Shapefile, GeoJSON, TopoJSON, GeoParquet, FlatGeobuf, CSV, Excel (.xlsx, .xls) or WKT,"
    " packed as .zip, .gz or .xz or not"
)


def read(path: Path, question: Question, folder: Path) -> Iterable[Layer]:
    """Read `path` as the parts of a layer, with `folder` for what has to be unpacked. Raises BadFile with what is wrong and what to do.

    Meant to run in the worker, which may be stopped at any time.
    """
    if not path.is_file():
        raise BadFile(f"There is no such file: {path}.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BadFile(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Split it into several files.")
    if path.stat().st_size == 0:
        raise BadFile("The file is empty.")
    if "!" in str(path):  # which libraries take for the border between an archive and a member
        alias = folder / archive.safe_name(path.name)
        alias.symlink_to(path)
        path = alias
    inside = archive.unpacked(path, folder)
    main, kind = _main(inside, question)
    if kind == "shapefile":
        return [vector.shapefile(main, question, folder)]
    if kind == "dbf":
        return [vector.table_of_shapefile(main, question, folder)]
    if kind == "json":
        return [vector.geojson(main, question)]
    if kind in ("geopackage", "flatgeobuf", "geodatabase"):
        return [vector.database(main, question, kind)]
    if kind == "parquet":
        return [vector.geoparquet(main, question)]
    plain = {"excel": tables.workbook, "wkt": tables.well_known_text, "text": tables.delimited}
    return plain[kind](main, question)


def kind_of(path: Path) -> str | None:  # noqa: PLR0911  one line a format
    """What a file is, by its first bytes; None if it is nothing we read."""
    with path.open("rb") as opened:
        head = opened.read(512)
    suffix = path.suffix.lower()
    if suffix in BESIDE or not head:
        return None
    if head.startswith(b"SQLite format 3\x00"):
        return "geopackage"
    if head.startswith(b"\x00\x00\x27\x0a"):
        return "shapefile"
    if head.startswith(b"fgb"):
        return "flatgeobuf"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "excel"
    if suffix == ".dbf" and head[0] in (0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5):
        return "dbf"
    if suffix == ".shp":
        raise BadFile("It is named .shp but does not begin as a shapefile does. Ask for the file again.")
    if head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n")[:1] in (b"{", b"["):
        return "json"
    if suffix in (".json", ".geojson", ".geojsonl", ".geojsons", ".topojson", ".ndjson", ".jsonl"):
        raise BadFile("It is named as JSON but does not begin with an object. Ask for the file again.")
    if re.match(rb"\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", head, re.IGNORECASE):
        return "wkt"
    return "text" if suffix in TEXT_TABLES and suffix else None


def _main(inside: list[Path], question: Question) -> tuple[Path, str]:
    """The one file among those that came together which is the layer."""
    databases = {folder for path in inside for folder in path.parents if folder.suffix.lower() == ".gdb"}
    if len(databases) == 1:
        return databases.pop(), "geodatabase"
    found = [(path, kind) for path in inside if (kind := kind_of(path)) is not None]
    shapefiles = {path.with_suffix("") for path, kind in found if kind == "shapefile"}
    found = [(path, kind) for path, kind in found if not (kind == "dbf" and path.with_suffix("") in shapefiles)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadFile(f"This is no file that can be imported. What can: {KINDS}.")
    named = [(path, kind) for path, kind in found if question.layer in (path.stem, path.name)]
    if len(named) == 1:
        return named[0]
    names = sorted(path.name for path, _ in found)
    raise BadFile(f"The archive holds {len(found)} layers; say which with layer = …: {', '.join(names[:20])}", layers=names)
