"""One fictitious district from a size, a seed and a moment: the order in which its parts are made."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.demo import areas, basemap, blocks, buildings, clusters, divide, fabric, facilities, incidents, people, roads, taxonomy, terrain
from data.demo.model import NEVER, District, Incidents, Scenes
from data.demo.names import Name
from data.demo.sizes import CENTRE, SIZES, Size
from data.demo.timing import Rhythm, WorkingClock, calendar
from gis.assignment import GridLocator
from gis.crs import local_metres
from gis.errors import BadValue

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Progress = Callable[[str, float], None]

CHINA = timezone(timedelta(hours=8))
YEARS = 3  # of incidents at most
PART = 1_000_000  # incidents that are lived through at once: what bounds the memory of a city
STEPS = ("ground", "buildings", "borders", "homes", "people", "facilities", "incidents")


class _Steps:
    """Tells how far the work is, and remembers how long each step took."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self.seconds = progress, dict[str, float]()
        self._since = time.perf_counter()

    def done(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = round(now - self._since, 3)
        self._since = now
        if self._progress:
            self._progress(step, (STEPS.index(step) + 1) / len(STEPS))


@dataclass(frozen=True)
class Begun:
    """A district where nothing has happened yet, and the work that is left: its incidents, which nothing else waits for.

    `happen` tells where things happen, then the incidents in order of time, PART of them at once.
    """

    district: District
    happen: Callable[[], Iterator[Scenes | Incidents]]


def generate(size: str, *, seed: int = 7, now: datetime, progress: Progress | None = None) -> District:
    """Make a district as it stands at `now` (with a time zone), the same one for the same seed and moment.

    Raises BadValue for an unknown size or a moment without a time zone.
    """
    begun = begin(size, seed=seed, now=now, progress=progress)
    scenes, *parts = begun.happen()
    assert isinstance(scenes, Scenes), "they are told first"
    district = begun.district.among(scenes).after([part for part in parts if isinstance(part, Incidents)])
    if progress:
        progress("incidents", 1.0)
    return district


def begin(size: str, *, seed: int = 7, now: datetime, progress: Progress | None = None) -> Begun:
    """Make everything but the incidents, as `generate` does; calling `happen` once makes these."""
    if size not in SIZES:
        raise BadValue("There is no demo of that size.", size=size, known=sorted(SIZES))
    if now.tzinfo is None:
        raise BadValue("The moment of the demo needs a time zone.", now=now.isoformat())
    rng = np.random.default_rng(seed)
    steps = _Steps(progress)
    town = _town(SIZES[size], now, rng, steps)
    housed = _housed(town, now, rng, steps)
    equipment, base_map = _mapped(town, rng)
    steps.done("facilities")
    district = District(
        size=SIZES[size], seed=seed, now=now, areas=town.ground.areas, grids=town.ground.grids, buildings=housed.buildings,
        households=housed.homes, residents=housed.residents, care=housed.care, officers=housed.officers, assignments=housed.assignments,
        facilities=equipment, base=base_map,
        catalogues=taxonomy.CATALOGUES, categories=taxonomy.categories(), rules=taxonomy.rules(), years=_years(now),
        calendar=calendar(_years(now)), titles=tuple(title for kind in taxonomy.KINDS for title in kind.titles),
        addresses=[], incidents=Incidents.none(), clusters=pd.DataFrame(), seconds=steps.seconds,
    )  # fmt: skip
    return Begun(district, lambda: _happened(town, housed, now, rng))


def _mapped(town: "_Town", rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Facilities and the base map."""
    equipment = facilities.equip(town.fabric, town.ground.grid_of_piece, town.ground.grids, town.houses, rng)
    base = basemap.layers(town.fabric, town.streets, town.ground.areas.assign(metres=_metres(town.ground.areas.geometry)), town.estates)
    spots = np.asarray(shapely.points(equipment["x"], equipment["y"]))
    return (
        _placed(equipment.drop(columns=["x", "y", "component"]), spots),
        _placed(base.drop(columns=["metres"]), base["metres"].to_numpy()),
    )  # fmt: skip


@dataclass(frozen=True)
class _Town:
    """The ground with its borders, streets and houses, before anybody lives there."""

    size: Size
    fabric: fabric.Fabric
    ground: areas.Ground
    streets: pd.DataFrame
    estates: dict[int, Name]
    houses: pd.DataFrame  # by grid; with `metres` and `piece`


@dataclass(frozen=True)
class _Housed:
    buildings: gpd.GeoDataFrame
    homes: pd.DataFrame
    residents: pd.DataFrame
    care: pd.DataFrame
    officers: gpd.GeoDataFrame
    assignments: pd.DataFrame


def _town(size: Size, now: datetime, rng: np.random.Generator, steps: _Steps) -> _Town:
    land = terrain.lay_out(size, rng)
    arterials = roads.arterials(land, size, rng)
    pieces = blocks.cut_down(land, size, roads.superblocks(land, arterials), rng)
    ground = fabric.weave(land, pieces, arterials, size.area_km2 * 1e6)
    steps.done("ground")
    prints = buildings.build(ground, now.year, rng)
    homes = _whole(prints.homes, size.households)
    steps.done("buildings")
    division = divide.divide(ground, np.bincount(prints.piece, homes, minlength=len(ground.metres)).astype(np.int64), size, rng)
    estates = areas.name_estates(ground, rng)
    borders = areas.dissolve(ground, division, estates, rng)
    streets = basemap.name_roads(ground, rng)
    grid = borders.grid_of_piece[prints.piece]
    order = np.lexsort((prints.piece, grid))
    houses = pd.DataFrame({
        "grid": grid, "piece": prints.piece, "use": prints.use, "levels": prints.levels, "height_m": prints.height_m,
        "built_year": prints.built_year, "households": homes, "metres": prints.metres,
    }).iloc[order].reset_index(drop=True)  # fmt: skip
    borders.grids["households"] = np.bincount(houses["grid"], houses["households"], minlength=len(borders.grids)).astype(np.int64)
    steps.done("borders")
    return _Town(size, ground, borders, streets, estates, houses)


def _whole(amounts: Floats, total: int) -> Integers:
    """Amounts scaled and rounded so that they sum to a total."""
    exact = amounts * (total / amounts.sum())
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - whole.sum()]] += 1
    return np.asarray(whole)


def _housed(town: _Town, now: datetime, rng: np.random.Generator, steps: _Steps) -> _Housed:
    houses, grids = town.houses, town.ground.grids
    community = grids["community"].to_numpy()[houses["grid"].to_numpy()]
    serial = _turn(community)
    block = town.fabric.block[houses["piece"].to_numpy()]
    in_estate = _turn(block)
    zh, en = _addresses(town, block, in_estate)
    frame = houses.drop(columns=["metres", "piece"]).assign(
        community=community, serial=serial, code=[f"{each:05d}" for each in serial], address=zh, address_en=en,
        name=[f"{town.estates[int(b)].zh}{n}栋" if int(b) in town.estates else "" for b, n in zip(block, in_estate, strict=True)],
    )  # fmt: skip
    homes = people.homes(frame, in_estate, rng)
    steps.done("homes")
    today = now.astimezone(CHINA).date()
    county = grids["community_code"].str[:6].astype(np.int64).to_numpy()[frame["grid"].to_numpy()]
    residents = people.residents(homes, county[homes["building"].to_numpy()], today, rng)
    care = people.care(homes, residents, today, rng)
    staff, duties = people.officers(grids["community"].to_numpy(), today, rng)
    steps.done("people")
    return _Housed(_placed(frame, houses["metres"].to_numpy()), homes, residents, care, _seen(staff, duties, town, now, rng), duties)


def _turn(groups: Integers) -> Integers:
    """The running number of each row within its group, from 1."""
    return np.asarray(pd.Series(groups).groupby(groups).cumcount(), dtype=np.int64) + 1


def _addresses(town: _Town, block: Integers, number: Integers) -> tuple[list[str], list[str]]:
    """Street, house number and estate of each building."""
    road, house = _house_numbers(town, shapely.centroid(town.houses["metres"].to_numpy()))
    zh, en = town.streets["name"].to_numpy()[road], town.streets["name_en"].to_numpy()[road]
    estate = [town.estates.get(int(each), Name("", "")) for each in block]
    return (
        [f"{r}{h}号{e.zh}{n}栋" for r, h, e, n in zip(zh, house, estate, number, strict=True)],
        [f"{e.en} Bldg {n}, {h} {r}".strip() for r, h, e, n in zip(en, house, estate, number, strict=True)],
    )


def _house_numbers(town: _Town, spots: NDArray[np.object_]) -> tuple[Integers, Integers]:
    """The nearest named street (its row) and the number along it, odd on its left."""
    named = np.flatnonzero(town.streets["rank"].to_numpy() > 1)
    lines = town.streets["metres"].to_numpy()[named]
    at, near = shapely.STRtree(lines).query_nearest(spots, all_matches=False)
    along = shapely.line_locate_point(lines[near], spots[at])
    step = shapely.get_coordinates(shapely.line_interpolate_point(lines[near], along + 1.0))
    foot = shapely.get_coordinates(shapely.line_interpolate_point(lines[near], along - 1.0))
    here = shapely.get_coordinates(spots[at]) - foot
    left = (step[:, 0] - foot[:, 0]) * here[:, 1] - (step[:, 1] - foot[:, 1]) * here[:, 0] > 0
    number = 2 * (along / 14.0).astype(np.int64) + 2 - left
    return named[near], np.asarray(number, dtype=np.int64)


def _seen(staff: pd.DataFrame, duties: pd.DataFrame, town: _Town, now: datetime, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Officers on duty were seen somewhere in their grid within the last quarter of an hour."""
    grid = duties[duties["duty"] == "main"].drop_duplicates("officer").set_index("officer")["grid"].reindex(range(len(staff))).to_numpy()
    pieces = np.unique(town.ground.grid_of_piece, return_index=True)[1]
    spots = shapely.point_on_surface(town.fabric.metres[pieces])[grid.astype(np.int64)]
    spots[~staff["on_duty"].to_numpy()] = None
    seen = pd.Series(pd.Timestamp(now)).repeat(len(staff)).reset_index(drop=True) - pd.to_timedelta(
        rng.integers(0, 900, len(staff)), unit="s"
    )
    return _placed(staff.assign(last_seen_at=seen.where(staff["on_duty"])), spots)


def _happened(town: _Town, housed: _Housed, now: datetime, rng: np.random.Generator) -> Iterator[Scenes | Incidents]:
    ground, houses = town.ground, town.houses
    grids = ground.grids
    hearts = shapely.get_coordinates(shapely.centroid(_metres(grids.geometry)))
    scenery = incidents.scene(town.fabric, ground.grid_of_piece, len(grids), houses, rng)
    shares = incidents.grid_shares(town.fabric, ground.grid_of_piece, grids["households"].to_numpy(), hearts, rng)
    feasts = calendar(_years(now))
    rhythm = Rhythm(now - timedelta(days=town.size.days), now, feasts, rng)
    planting = clusters.Ground(
        _neighbours(town), shares, [np.flatnonzero(houses["grid"].to_numpy() == grid) for grid in range(len(grids))],
        scenery.building_xy, houses["households"].to_numpy(),
    )  # fmt: skip
    truth, extra = clusters.plant(planting, rhythm, town.size.incidents, town.size.clusters, round(now.timestamp() * 1e6), rng)
    codes = grids["code"].to_numpy()
    truth["grid_codes"] = [[str(codes[grid]) for grid in each] for each in truth["grids"]]
    yield Scenes(_addresses_used(town, housed, scenery), truth)
    drawn = incidents.draw(scenery, shares, rhythm, extra, town.size.incidents, rng)
    corners, clock = _shared_vertices(grids), WorkingClock(_years(now), feasts)
    locator = GridLocator(list(grids.geometry), np.arange(len(grids)))
    for part in drawn.parts(PART):
        spots, vertex = incidents.places(scenery, part, corners, np.sqrt(town.size.area_km2) * 1000, rng)
        placed = _exactly(locator, spots, vertex, corners)
        life = incidents.live(part, placed, clock, now, rng)
        officer = _officer_then(housed.assignments, part, len(grids))
        yield incidents.assemble(part, placed, life, officer, _address_of(town, scenery, part, np.isnan(placed.lon)), rng)


def _neighbours(town: _Town) -> list[Integers]:
    inner = town.fabric.sides[town.fabric.sides[:, 1] >= 0]
    pairs = town.ground.grid_of_piece[inner]
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.split(pairs[:, 1], np.searchsorted(pairs[:, 0], np.arange(1, len(town.ground.grids))))


def _shared_vertices(grids: gpd.GeoDataFrame) -> Floats:
    """Degrees of vertices that belong to two grids or more."""
    coords, owner = shapely.get_coordinates(grids.geometry.to_numpy(), return_index=True)
    once = np.unique(np.column_stack([coords, owner]), axis=0)
    places, times = np.unique(once[:, :2], axis=0, return_counts=True)
    return np.asarray(places[times > 1])


def _exactly(locator: GridLocator, spots: Floats, vertex: Integers, corners: Floats) -> incidents.Placed:
    """Degrees and grids of places given in metres; those of border vertices are taken to the bit."""
    metric = local_metres(*CENTRE)
    degrees = np.full_like(spots, np.nan)
    known = ~np.isnan(spots[:, 0])
    degrees[known] = shapely.get_coordinates(metric.to_degrees(shapely.points(spots[known])))
    degrees[vertex >= 0] = corners[vertex[vertex >= 0]]
    lon, lat = np.ascontiguousarray(degrees[:, 0]), np.ascontiguousarray(degrees[:, 1])
    found = locator.assign(lon, lat)
    return incidents.Placed(lon, lat, found.ids, found.distance_m, found.on_border, found.ambiguous)


def _officer_then(duties: pd.DataFrame, drawn: incidents.Drawn, grids: int) -> Integers:
    """Who answered for the grid when it happened, -1 for nobody."""
    officer = np.full((2, grids), -1, dtype=np.int64)
    change = np.full(grids, NEVER, dtype=np.int64)
    main = duties[duties["duty"] == "main"]
    past = main[main["until"].notna()]
    officer[1, main.loc[main["until"].isna(), "grid"]] = main.loc[main["until"].isna(), "officer"]
    officer[0, past["grid"]] = past["officer"]
    change[past["grid"]] = [round(datetime.combine(day, datetime.min.time(), CHINA).timestamp() * 1e6) for day in past["until"]]
    return officer[(drawn.moment >= change[drawn.grid]).astype(np.int64), drawn.grid]


def _addresses_used(town: _Town, housed: _Housed, scenery: incidents.Scene) -> list[str]:
    """The addresses of the buildings, then those beside roads, then what is told of a place that nobody knows."""
    road, house = _house_numbers(town, np.asarray(shapely.points(scenery.corner_xy)))
    beside = [f"{name}{number}号附近" for name, number in zip(town.streets["name"].to_numpy()[road], house, strict=True)]
    vague = [f"{name}附近，具体位置不详" for name in town.ground.areas["name"]]
    return [*housed.buildings["address"], *beside, *vague]


def _address_of(town: _Town, scenery: incidents.Scene, drawn: incidents.Drawn, lost: NDArray[np.bool_]) -> Integers:
    """The row in `_addresses_used` of each incident."""
    buildings, corners = len(town.houses), len(scenery.corner_xy)
    community = town.ground.grids["community"].to_numpy()[drawn.grid]
    return np.where(lost, buildings + corners + community, np.where(drawn.building >= 0, drawn.building, buildings + drawn.corner))


def _placed(frame: pd.DataFrame, metres: NDArray[np.object_]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(frame, geometry=local_metres(*CENTRE).to_degrees(metres), crs=areas.CRS)


def _metres(shapes: gpd.GeoSeries) -> NDArray[np.object_]:
    return local_metres(*CENTRE).to_metres(shapes.to_numpy())


def _years(now: datetime) -> tuple[int, ...]:
    return tuple(range(now.year - YEARS - 1, now.year + 2))
