"""Loads incidents by the hundred thousand: assigned here, then copied into the yearly partitions in the order of the ground."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql
from pyarrow import csv

from data.hot.ground import GroundIndex, Placements
from gis import crs
from gis.assignment import NOBODY, TOLERANCE_M
from gis.errors import BadCoordinate, BadValue

REQUIRED = ("source", "source_id", "category_id", "reported_at", "lon", "lat")
DEFAULTS: dict[str, str | int | bool | None] = {
    "title": "", "address": "", "state": "reported", "level": "grid", "severity": 1, "urgent": False, "supervised": False, "on_spot": False,
    "rule_id": None, "officer_id": None, "building_id": None, "filed_at": None, "dispatched_at": None, "handled_at": None,
    "closed_at": None, "due_at": None, "content_hash": None,
}  # fmt: skip
TEXTS = ("source", "source_id", "title", "address", "state", "level")
IDS = ("rule_id", "officer_id", "building_id")
TIMES = ("reported_at", "filed_at", "dispatched_at", "handled_at", "closed_at", "due_at")
FLAGS = ("urgent", "supervised", "on_spot")
ENDED = ("closed", "not_filed")
COPIED = (
    "cell", "id", "reported_at", "source", "source_id", "category_id", "rule_id", "title", "address", "place", "qk", "community_id",
    "grid_id", "grid_version", "building_id", "placed_by", "border_distance_m", "ambiguous", "state", "level", "severity", "urgent",
    "supervised", "on_spot", "officer_id", "filed_at", "dispatched_at", "handled_at", "closed_at", "due_at", "suspended_due_at",
)  # fmt: skip
BUILD_ASIDE_ROWS = 20_000
"""A year that holds nothing yet is built beside the table and indexed once when this many rows or more arrive."""
POINT_HEADER = bytes([1]) + (0x20000001).to_bytes(4, "little") + (crs.STORAGE_EPSG).to_bytes(4, "little")
HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2")


@dataclass(frozen=True)
class Loaded:
    """What became of each row, in the order of the rows.

    `ids`: -1 where nothing was loaded, because the row was `known` (same source and number, same content) or `clashing`
    (same source and number, other content). `grid_ids`: -1 for a place in no grid.
    """

    ids: NDArray[np.int64]
    known: NDArray[np.bool_]
    clashing: NDArray[np.bool_]
    grid_ids: NDArray[np.int64]
    placed_by: NDArray[np.object_]
    ambiguous: NDArray[np.bool_]
    border_distance_m: NDArray[np.float32]


class Aside:
    """Years that are built beside the table from several loads, their indexes made once from all rows when the block ends.

    For a first load whose rows come in parts; nobody sees any of them before.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.years: set[int] = set()

    def __enter__(self) -> "Aside":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for year in sorted(self.years) if kind is None else ():
            _attach(self._connection, year)


def load_many(
    connection: psycopg.Connection, incidents: pd.DataFrame, *, ambiguous_within_m: float = TOLERANCE_M, places: Placements | None = None,
    aside: Aside | None = None,
) -> Loaded:  # fmt: skip
    """Load incidents as the owner of the schema, all or none with the caller's transaction; call `finish_load` after it.

    Columns `source`, `source_id`, `category_id`, `reported_at` (UTC), `lon`, `lat` (degrees of EPSG:4490, NaN for no place)
    are needed, those of DEFAULTS may be there. A place in no grid is loaded as unplaced. Row-level security forbids COPY
    into the table itself, so rows go into its partitions, whose triggers and rights are the owner's alone.
    `places`, in the order of the rows, spares asking the current ground again when the caller just did. With `aside`
    the rows are part of a first load that brings each number once.
    Raises BadValue or BadCoordinate, naming the first row, before anything is written.
    """
    frame = _checked(connection, incidents)
    known, clashing = (np.zeros((2, len(frame)), dtype=np.bool_)) if aside else _met_before(connection, frame)
    arriving = frame[~(known | clashing)]
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    at = places or _ground(connection, ambiguous_within_m).place_many(lon, lat)
    placed = _placed(arriving, at.rows(arriving.index.to_numpy()))
    placed["id"] = _new_ids(connection, len(placed))
    ordered = placed.sort_values("qk", kind="stable", na_position="first")
    years = ordered["reported_at"].dt.year
    for year in sorted(years.unique()):
        _load_year(connection, int(year), ordered[years == year], aside)
    _note_intake(connection, ordered)
    if len(placed):
        connection.execute("INSERT INTO deployment (key, value) VALUES ('statistics_due', 'true') ON CONFLICT (key) DO NOTHING")
    return _outcome(frame, placed, known, clashing)


def finish_load(schema_url: str, beside: Sequence[str] = ()) -> None:
    """After the commit of a load: let index-only scans work, and make statistics and map cells equal the incidents.

    `beside` are other tables that were loaded. May be broken off and begun again at any time. For minutes a running server may tell of
    the load in some panels and not yet in others.
    """
    with ThreadPoolExecutor(1) as second:
        counted = second.submit(_run, schema_url, ["SELECT rollups_mend()"])
        loaded = [sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)) for table in ("incident", "intake", *beside)]
        _run(schema_url, [*loaded, "SELECT rebuild_incident_bins()", "SELECT crossed_mend()"])
        counted.result()
    _run(schema_url, [
        "DELETE FROM deployment WHERE key = 'statistics_due'",
        "VACUUM (ANALYZE) statistics_day, statistics_whole_day, statistics_month, statistics_grid_month, statistics_ground_day,"
        " statistics_ground_category, statistics_hour, slots_community_day, slots_community_month, slots_ground_day, slots_ground_month,"
        " slots_grid_year, slots_grid_hour, slots_grid_measures, slots_grid_month, slots_grid_category,"
        " slots_category_month, slots_category_year, slots_crossed_month, slots_crossed_year, slots_waiting, slots_waiting_grid,"
        " service_reach, statistics_delta, waiting_delta, incident_bin",
    ])  # fmt: skip


def finish_if_due(schema_url: str) -> bool:
    """Finish a load whose process ended between its commit and its statistics; False when nothing is due."""
    with psycopg.connect(_address(schema_url)) as connection:
        due = connection.execute("SELECT FROM deployment WHERE key = 'statistics_due'").fetchone() is not None
    if due:
        finish_load(schema_url)
        _run(schema_url, ["ANALYZE"])
    return due


def _run(schema_url: str, orders: Sequence[LiteralString | sql.Composed]) -> None:
    with psycopg.connect(_address(schema_url), autocommit=True) as connection:
        for order in orders:
            connection.execute(order)


def _address(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def point_hex(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.object_]:
    """Places (degrees) as the hexadecimal EWKB that COPY reads; None for a place that is not finite."""
    raw = np.empty((len(lon), 25), dtype=np.uint8)
    raw[:, :9] = np.frombuffer(POINT_HEADER, dtype=np.uint8)
    raw[:, 9:] = np.column_stack([lon, lat]).astype("<f8").view(np.uint8).reshape(-1, 16)
    text = np.ascontiguousarray(HEX[raw]).view("S50").ravel().astype(str).astype(object)
    text[~(np.isfinite(lon) & np.isfinite(lat))] = None
    return text


def _checked(connection: psycopg.Connection, incidents: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in REQUIRED if name not in incidents]
    if missing:
        raise BadValue("Incidents lack a column.", missing=missing)
    frame = incidents.reset_index(drop=True).copy()
    for name, value in DEFAULTS.items():
        if name not in frame:
            frame[name] = value
    for name in TEXTS:
        frame[name] = _texts(frame[name], name)
    for name in TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    # The clock of a suspended incident stands: its deadline waits aside.
    suspended = frame["state"] == "suspended"
    frame["suspended_due_at"] = frame["due_at"].where(suspended)
    frame["due_at"] = frame["due_at"].where(~suspended)
    _refuse(frame["reported_at"].isna(), "reported_at", "An incident has no time.")
    _refuse(frame["source_id"] == "", "source_id", "An incident has no number of its source.")
    _refuse(frame["state"].isin(ENDED) & frame["closed_at"].isna(), "closed_at", "An ended incident has no time of its end.")
    for name in ("lon", "lat"):
        frame[name] = frame[name].astype("float64")
    far = (frame["lon"].abs() > 180) | (frame["lat"].abs() > 90)
    if far.any():
        raise BadCoordinate("A place is not a longitude and a latitude.", row=int(np.argmax(far)), rows=int(far.sum()))
    allowed = np.array([row[0] for row in connection.execute("SELECT id FROM category")], dtype=np.int64)
    _refuse(~frame["category_id"].isin(allowed), "category_id", "There is no such category.")
    return frame


def _texts(told: pd.Series, column: str) -> pd.Series:
    """A column as texts, nothing as an empty one. Repeated words told as categories are looked at once each, and stay so."""
    if isinstance(told.dtype, pd.CategoricalDtype) and not told.hasnans:
        words = _texts(pd.Series(told.cat.categories, dtype="object"), column)
        kept: pd.Series = told.cat.rename_categories(words.tolist())
        return kept
    texts = told.astype(object).where(told.notna(), "").astype(str)
    _refuse(texts.str.contains("\x00", regex=False), column, "A text holds a NUL character.")
    return texts


def _refuse(wrong: pd.Series, column: str, message: str) -> None:
    if wrong.any():
        raise BadValue(message, column=column, row=int(np.argmax(wrong.to_numpy())), rows=int(wrong.sum()))


def _met_before(connection: psycopg.Connection, frame: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows an earlier load or an earlier row of this one brought, and which of those say something else now."""
    known = frame.duplicated(["source", "source_id"]).to_numpy(copy=True)
    clashing = np.zeros(len(frame), dtype=np.bool_)
    sources = frame["source"].unique().tolist()
    if connection.execute("SELECT 1 FROM intake WHERE source = ANY(%s) LIMIT 1", [sources]).fetchone() is None:
        return known, clashing
    connection.execute("DROP TABLE IF EXISTS pg_temp.asked")
    connection.execute('CREATE TEMP TABLE asked (row integer, source text COLLATE "C", source_id text COLLATE "C") ON COMMIT DROP')
    _copy(connection, sql.Identifier("asked"), frame.assign(row=frame.index)[["row", "source", "source_id"]])
    connection.execute("ANALYZE asked")
    met = connection.execute(
        "SELECT asked.row, intake.content_hash FROM asked JOIN intake USING (source, source_id) ORDER BY asked.row"
    ).fetchall()
    hashes = frame["content_hash"].to_numpy(dtype=object)
    for row, content in met:
        said = hashes[row]
        clashing[row] = content is not None and said is not None and bytes(said) != content
        known[row] = not clashing[row]
    return known, clashing


def _placed(frame: pd.DataFrame, at: Placements) -> pd.DataFrame:
    """The rows with cell, key, grid and community of their place."""
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    has_place = np.isfinite(lon) & np.isfinite(lat)
    in_grid = at.grid_ids != NOBODY
    keys = np.zeros(len(frame), dtype=np.int64)
    keys[has_place] = crs.morton_key(lon[has_place], lat[has_place])
    return frame.assign(
        cell=np.where(has_place, keys >> crs.CELL_SHIFT, 0),
        qk=_whole(keys, has_place),
        place=point_hex(lon, lat),
        community_id=at.community_ids.astype(np.int64),
        grid_id=_whole(at.grid_ids, in_grid),
        grid_version=_whole(at.grid_versions, in_grid),
        placed_by=np.select([in_grid & at.on_border, in_grid], ["border", "covers"], default="none"),
        border_distance_m=np.where(in_grid, at.border_distance_m, np.nan),
        ambiguous=at.ambiguous & in_grid,
    )


def _ground(connection: psycopg.Connection, ambiguous_within_m: float) -> GroundIndex:
    """The current ground as the owner sees it, which the shared index of a server may not know yet."""
    grids = connection.execute("SELECT id, version, community_id, border FROM gate.current_grids()").fetchall()
    areas = connection.execute("SELECT id, border FROM gate.current_communities()").fetchall()
    return GroundIndex("", grids, areas, ambiguous_within_m)


def _whole(values: NDArray[np.int64] | NDArray[np.int32], there: NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    """Whole numbers, missing where they are not there."""
    return pd.arrays.IntegerArray(values.astype(np.int64), ~there)


def _new_ids(connection: psycopg.Connection, count: int) -> NDArray[np.int64]:
    # One long text: a row for each id would cost psycopg ten times as much.
    row = connection.execute("SELECT string_agg(nextval('incident_id_seq')::text, ' ') FROM generate_series(1, %s)", [count]).fetchone()
    return np.array(((row and row[0]) or "").split(), dtype=np.int64)


def _load_year(connection: psycopg.Connection, year: int, rows: pd.DataFrame, aside: Aside | None) -> None:
    if not 2000 <= year <= 2200:
        leaf = "incident_before" if year < 2000 else "incident_other"
        _copy(connection, sql.Identifier(leaf), rows[list(COPIED)])
        return
    leaf = f"incident_{year}"
    if aside is not None and year in aside.years:
        _copy_frozen(connection, year, rows)
    elif (aside is not None or len(rows) >= BUILD_ASIDE_ROWS) and _holds_nothing(connection, leaf):
        _begin_aside(connection, year)
        _copy_frozen(connection, year, rows)
        if aside is None:
            _attach(connection, year)
        else:
            aside.years.add(year)
    else:
        connection.execute("SELECT incident_partition(%s)", [year])
        _copy(connection, sql.Identifier(leaf), rows[list(COPIED)])


def _holds_nothing(connection: psycopg.Connection, leaf: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", [f"public.{leaf}"]).fetchone()
    if found is None or found[0] is None:
        return True
    return connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(leaf))).fetchone() is None


def _begin_aside(connection: psycopg.Connection, year: int) -> None:
    """A table of its own instead of the year's empty partition: its indexes and foreign keys are built once, from all rows."""
    leaf = sql.Identifier(f"incident_{year}")
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(leaf))
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE incident INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS)").format(leaf))


def _copy_frozen(connection: psycopg.Connection, year: int, rows: pd.DataFrame) -> None:
    _copy(connection, sql.Identifier(f"incident_{year}"), rows[list(COPIED)], options="FORMAT csv, FREEZE")


def _attach(connection: psycopg.Connection, year: int) -> None:
    connection.execute(
        sql.SQL("ALTER TABLE incident ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            sql.Identifier(f"incident_{year}"), sql.Literal(f"{year}-01-01 00:00+00"), sql.Literal(f"{year + 1}-01-01 00:00+00")
        )
    )


def _note_intake(connection: psycopg.Connection, rows: pd.DataFrame) -> None:
    """COPY is refused under row-level security, so the references take the way through a temporary table where it stands."""
    hashes = pd.Series(None, index=rows.index, dtype="object")
    if rows["content_hash"].notna().any():
        hashes[:] = [None if each is None else "\\x" + bytes(each).hex() for each in rows["content_hash"]]
    named = rows.rename(columns={"id": "incident_id"}).assign(content_hash=hashes)
    noted = named[["source", "source_id", "cell", "incident_id", "reported_at", "community_id", "content_hash"]]
    walled = connection.execute("SELECT relforcerowsecurity FROM pg_class WHERE oid = 'intake'::regclass").fetchone()
    if walled == (False,):
        _copy(connection, sql.Identifier("intake"), noted)
        return
    connection.execute("DROP TABLE IF EXISTS pg_temp.arrived")
    connection.execute(
        "CREATE TEMP TABLE arrived (source text, source_id text, cell integer, incident_id bigint, reported_at timestamptz,"
        " community_id integer, content_hash bytea) ON COMMIT DROP"
    )
    _copy(connection, sql.Identifier("arrived"), noted.sort_values(["source", "source_id"]))
    connection.execute("INSERT INTO intake SELECT * FROM arrived")


def _copy(connection: psycopg.Connection, table: sql.Identifier, rows: pd.DataFrame, *, options: LiteralString = "FORMAT csv") -> None:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in rows.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN ({})").format(table, columns, sql.SQL(options))
    zone = connection.execute("SELECT current_setting('TimeZone')").fetchone()
    connection.execute("SET LOCAL TimeZone TO 'UTC'")
    with connection.cursor().copy(statement) as copy:
        for batch in _csv_batches(rows):
            copy.write(batch)
    connection.execute("SELECT set_config('TimeZone', %s, true)", zone)


def _csv_batches(rows: pd.DataFrame, size: int = 50_000) -> Iterator[pa.Buffer]:
    """CSV as PostgreSQL reads it: texts always quoted, nothing for NULL, moments bare, for a connection whose zone is UTC."""
    for start in range(0, len(rows), size):
        table = pa.Table.from_pandas(_plain(rows.iloc[start : start + size]), preserve_index=False)
        words = [field for field in table.schema if pa.types.is_dictionary(field.type)]
        for field in words:
            table = table.set_column(table.schema.get_field_index(field.name), field.name, table[field.name].cast(pa.string()))
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink, csv.WriteOptions(include_header=False))
        yield sink.getvalue()


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Ids that may be missing as whole numbers, not as floats; moments without their zone, which costs most of the writing."""
    plain = rows.assign(**{name: rows[name].astype("Int64") for name in IDS if name in rows})
    for name in rows.select_dtypes("datetimetz"):
        plain[name] = rows[name].dt.tz_localize(None)
    return plain


def _outcome(frame: pd.DataFrame, placed: pd.DataFrame, known: NDArray[np.bool_], clashing: NDArray[np.bool_]) -> Loaded:
    whole = placed[["id", "grid_id", "placed_by", "ambiguous", "border_distance_m"]].reindex(frame.index)
    return Loaded(
        ids=whole["id"].fillna(-1).to_numpy(dtype=np.int64),
        known=known,
        clashing=clashing,
        grid_ids=whole["grid_id"].fillna(-1).to_numpy(dtype=np.int64),
        placed_by=whole["placed_by"].astype(object).where(whole["placed_by"].notna(), "none").to_numpy(dtype=object),
        ambiguous=whole["ambiguous"].eq(True).to_numpy(),
        border_distance_m=whole["border_distance_m"].to_numpy(dtype=np.float32),
    )
