"""Stores the ground of an import: all levels in one transaction, and with the first of them the deployment itself."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from api.imports import ground
from api.imports.ground import Built
from api.imports.mapping import GROUND, DistrictMapping, Mapping, Noun
from api.imports.prepared import Prepared
from data.queries import import_ground, imports
from data.queries.import_ground import Stored
from data.scope import Scope
from gis.errors import BadMapping, Conflict


def store_ground(session: Session, scope: Scope, ready: list[Prepared], mapping: Mapping) -> Built:
    """Fit the levels to each other and store what is new or changed; rows are accounted for in their files' reports."""
    district = mapping.district
    if district is None:
        raise BadMapping("Ground needs [district] in the mapping: code, name, time_zone and [district.scheme].")
    zone = zone_of(session, scope, district)  # once: the ground that is stored here settles it
    by_level = {noun: [each for each in ready if each.mapping.noun == noun] for noun in GROUND}
    repair = "valid" in mapping.ground.mend or "snap" in mapping.ground.mend
    levels: dict[Noun, gpd.GeoDataFrame] = {
        noun: ground.frame_of(files, repair=repair) for noun, files in by_level.items() if files and noun != "district"
    }
    for noun in ("grid", "community", "street"):
        if noun not in levels:
            levels[noun] = _stored_frame(session, scope, noun)
    built = ground.build(levels, mapping.ground, district)
    stored = _store(session, scope, built, district, zone)
    for noun, files in by_level.items():
        for each in files:
            _account(each, noun, built, stored[noun])
            each.close()
    if any(each.fresh or each.changed for each in stored.values()):
        imports.set_deployment(session, scope, _deployment(district, built.outline, zone))
        imports.tell_bulk(session, scope, ["area", "grid"])
    return built


def zone_of(session: Session, scope: Scope, district: DistrictMapping | None) -> str:
    """The zone in which this deployment cuts its days; a mapping may name it while nothing depends on it, later only the same.

    Raises Conflict for another one: what is counted by day and hour would be of two kinds.
    """
    kept, settled = imports.time_zone(session, scope)
    asked = district.time_zone if district else None
    if asked is not None and asked != kept and settled:
        raise Conflict(
            f"Days and hours of this deployment are those of {kept}; the mapping says {asked}. Correct time_zone in the mapping, or change"
            f" the deployment over, which counts its figures anew: ./wangge down, then ./wangge statistics rebuild --time-zone {asked}"
        )
    return asked or kept


def prove(session: Session, scope: Scope) -> None:
    """The database's own proof, now rather than at commit, so that a broken coverage is a refusal with its place."""
    import_ground.prove_coverage(session, scope)


def _store(session: Session, scope: Scope, built: Built, district: DistrictMapping, zone: str) -> dict[Noun, Stored]:
    others = set(imports.ground(session, scope, "district").columns["code"]) - {district.code}
    if others:
        raise Conflict(f"This deployment is the district {', '.join(sorted(others))}; {district.code} needs one of its own (--data DIR).")
    stored: dict[Noun, Stored] = {}
    valid_from = _midnight(district, zone)
    for level in ("district", "street", "community"):
        stored[level] = import_ground.store_areas(session, scope, level, built.units[level], valid_from=valid_from)
    scheme_id = import_ground.scheme(session, scope, district.scheme.model_dump())
    stored["grid"] = import_ground.store_grids(session, scope, scheme_id, built.units["grid"], valid_from=valid_from)
    return stored


def _account(each: Prepared, noun: Noun, built: Built, stored: Stored) -> None:
    """Every row of a level is loaded, unchanged or refused; rows united into one area share its fate."""
    parts: dict[str, list[str]] = {}
    for new, origin in built.origin.items():
        parts.setdefault(origin, []).append(new)
    made = {unit.code for unit in built.units[noun]}
    for row in each.kept:
        code = each.text("code", row)
        codes = {code, *parts.get(code, [])} & made
        if noun == "district":
            codes = {unit.code for unit in built.units["district"]}
        if not codes:
            each.refuse(row, "It lies outside the district, or next to nothing of its ground is inside.")
        elif codes & (stored.fresh | stored.changed):
            each.report.loaded += 1
        else:
            each.report.unchanged += 1
        each.report.mended += bool(codes & built.touched.get(noun, set()))
    if stored.others:
        each.report.notes.append(f"{len(stored.others)} units of this level are stored and not in the file; they stay.")


def _stored_frame(session: Session, scope: Scope, noun: Noun) -> gpd.GeoDataFrame:
    """A level that the import does not bring, as it is stored."""
    there = imports.ground(session, scope, noun)
    above = {"grid": "community", "community": "street", "street": "district"}[noun]
    codes = imports.ground(session, scope, above).names("code")
    columns = {name: there.columns[name] for name in ("code", "name", "name_en", "source_id", "source")}
    frame = pd.DataFrame({**columns, "parent_code": [codes.get(int(each)) for each in there.parent_ids]}, dtype=object)
    if noun == "street":
        frame["parent_code"] = None
    frame = frame.assign(kind="basic", households=0)
    borders: list[BaseGeometry] = list(there.borders)
    return gpd.GeoDataFrame(frame, geometry=borders, crs=4490)


def _deployment(district: DistrictMapping, outline: BaseGeometry, zone: str) -> dict[str, object]:
    bounds, center = ground.district_of(outline)
    facts: dict[str, object] = {
        "name": district.name, "name_en": district.name_en, "district_code": district.code, "timezone": zone,
        "review_number": district.review_number, "bounds": bounds, "center": center,
    }  # fmt: skip
    return facts | ({"now": _aware(district.now, zone).isoformat()} if district.now else {})


def _midnight(district: DistrictMapping, zone: str) -> datetime | None:
    return _aware(datetime.combine(district.valid_from, time()), zone) if district.valid_from else None


def _aware(moment: datetime, zone: str) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
