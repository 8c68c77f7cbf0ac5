"""What a made-up district promises: exact borders, houses that keep apart, people who cannot exist, a plausible past."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely

from data.demo import names
from data.demo.generate import generate
from data.demo.model import NEVER, STATES, District
from data.demo.taxonomy import KINDS
from gis.certificate import loose_edges, tiles_exactly
from gis.clocks import Calendar, deadline
from gis.codes import parent_area_code
from gis.crs import local_metres
from gis.errors import BadValue
from gis.lattice import STEP, on_lattice

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))


@pytest.fixture(scope="module")
def small() -> District:
    return generate("small", now=NOW)


@pytest.fixture(scope="module")
def metres(small):
    metric = local_metres(*small.grids.geometry.union_all().centroid.coords[0])
    return lambda shapes: metric.to_metres(np.asarray(shapes, dtype=object))


def edge_sums(children, parent) -> Counter:
    """Directed edges of the children minus those of their parent, in whole lattice steps, every ring with its ground on the left."""
    sums: Counter = Counter()
    for sign, shape in [*((1, child) for child in children), (-1, parent)]:
        for polygon in shape.geoms:
            for ring in (shapely.orient_polygons(polygon).exterior, *shapely.orient_polygons(polygon).interiors):
                steps = [(round(x / STEP), round(y / STEP)) for x, y in ring.coords]
                for a, b in pairwise(steps):
                    sums[min(a, b), max(a, b)] += sign if a < b else -sign
    return sums


def families(district: District):
    for level in ("district", "street"):
        for parent in district.areas[district.areas.level == level].itertuples():
            yield parent, district.areas[district.areas.parent_code == parent.code]
    for parent in district.areas[district.areas.level == "community"].itertuples():
        yield parent, district.grids[district.grids.community_code == parent.code]


def test_every_border_lies_on_the_lattice(small):
    assert on_lattice(small.areas.geometry.to_numpy()).all()
    assert on_lattice(small.grids.geometry.to_numpy()).all()


def test_each_level_tiles_the_one_above_to_the_last_vertex(small):
    for parent, children in families(small):
        assert len(children), parent.code
        assert not +edge_sums(children.geometry, parent.geometry) and not -edge_sums(children.geometry, parent.geometry), parent.code
        assert tiles_exactly(list(children.geometry), parent.geometry), parent.code


def test_a_grid_moved_by_one_step_is_noticed(small):
    parent, children = list(families(small))[-1]
    moved = list(children.geometry)
    moved[0] = shapely.transform(moved[0], lambda coords: coords + np.array([STEP, 0.0]))
    assert loose_edges(moved, parent.geometry)
    assert any(edge_sums(moved, parent.geometry).values())


def test_the_small_size_has_the_counts_it_names(small):
    assert small.areas.level.value_counts().to_dict() == {"district": 1, "street": 2, "community": 4}
    assert len(small.grids) == 36
    assert 1_000 <= len(small.buildings) <= 1_500
    assert len(small.households) == small.buildings.households.sum() == small.grids.households.sum() == small.size.households
    assert len(small.incidents) == 5_000


def test_codes_say_whose_they_are_and_count_from_west_to_east(small):
    areas = small.areas.set_index("code")
    for code, area in areas.iterrows():
        assert (parent_area_code(code) or "") == area.parent_code
    assert areas.index.is_unique and small.grids.code.is_unique
    assert set(areas.index[areas.level == "district"]) == {"990101"}
    for community, grids in small.grids.groupby("community_code"):
        assert sorted(grids.code) == [f"{community}{serial:03d}" for serial in range(1, len(grids) + 1)]
    first, last = (
        small.grids.geometry.iloc[0].centroid,
        small.grids[small.grids.community_code == small.grids.community_code[0]].geometry.iloc[-1].centroid,
    )
    assert first.y > last.y


@pytest.mark.parametrize("language", ["name", "name_en"])
def test_no_two_of_a_kind_share_a_name_in_either_language(small, language):
    roads = small.base[(small.base.layer == "road") & (small.base[language] != "")]
    for kind in (*(each for _, each in small.areas.groupby("level")), small.grids, roads):
        assert kind[language].is_unique, kind[language][kind[language].duplicated()].to_list()


def test_names_that_sound_alike_are_told_apart_by_one_more_syllable():
    drawn = names.words(5_000, np.random.default_rng(1))
    assert len({name.en for name in drawn}) == len({name.zh for name in drawn}) == 5_000
    assert "Yin'an" in {name.en for name in drawn}


def test_most_grids_hold_households_within_the_band(small):
    low, high = small.size.band
    basic = small.grids[small.grids.kind == "basic"]
    assert basic.households.between(low, high).mean() > 0.75


def test_a_building_stands_in_one_grid_and_touches_no_other_building(small, metres):
    shapes = small.buildings.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    at, grid = shapely.STRtree(small.grids.geometry.to_numpy()).query(shapes, predicate="intersects")
    assert (at == np.arange(len(shapes))).all()
    assert (grid == small.buildings.grid.to_numpy()).all()
    plans = metres(shapes)
    one, other = shapely.STRtree(plans).query(plans, predicate="intersects")
    assert (one == other).all()


def test_no_building_stands_in_the_water_or_on_a_road(small, metres):
    plans = metres(small.buildings.geometry)
    water = metres(small.base.geometry[small.base.layer == "water"])
    assert not len(shapely.STRtree(water).query(plans, predicate="intersects")[0])
    for kind, least in (("arterial", 20.0), ("collector", 12.0), ("lane", 2.0)):
        roads = metres(small.base.geometry[(small.base.layer == "road") & (small.base["class"] == kind)])
        near, _ = shapely.STRtree(roads).query(plans, predicate="dwithin", distance=least)
        assert not len(near), kind


def test_people_cannot_be_taken_for_real_ones(small):
    people = small.residents
    assert all(phone.startswith(b"100") and len(phone) == 11 for phone in people.phone)
    numbers = np.array([[int(digit) for digit in number[:17]] for number in people.number.str.decode("ascii")])
    assert all(number.startswith(b"990101") for number in people.number)
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    checks = np.array(list("10X98765432"))[(numbers * weights).sum(axis=1) % 11]
    assert (checks == people.number.str.decode("ascii").str[-1]).all()
    assert (people.groupby("household")["head"].sum() == 1).all()
    assert 0.05 < len(small.care) / len(people) < 0.11
    assert not small.care.duplicated(["resident", "kind"]).any()


def test_one_main_officer_answers_for_a_grid_at_a_time(small):
    main = small.assignments[small.assignments.duty == "main"]
    for _, rows in main.groupby("grid"):
        spans = sorted((row.since, row.until if isinstance(row.until, type(row.since)) else NOW.date()) for row in rows.itertuples())
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))
    vacant = set(range(len(small.grids))) - set(main.grid[main.until.isna()])
    assert vacant and vacant <= set(small.assignments.grid[small.assignments.duty == "assist"])
    communities = small.grids.community.to_numpy()[small.assignments.grid]
    assert (small.officers.community.to_numpy()[small.assignments.officer] == communities).all()


def test_incidents_lie_in_the_grid_they_name(small):
    own = small.incidents
    inside = np.flatnonzero((own.grid >= 0) & ~own.on_border)
    borders = small.grids.geometry.to_numpy()
    assert shapely.contains_xy(borders[own.grid[inside]], own.lon[inside], own.lat[inside]).all()
    on_border = np.flatnonzero(own.on_border)
    assert len(on_border) >= 2
    assert shapely.touches(borders[own.grid[on_border]], shapely.points(own.lon[on_border], own.lat[on_border])).all()
    for at in on_border:
        touched = np.flatnonzero(shapely.intersects(borders, shapely.Point(own.lon[at], own.lat[at])))
        assert len(touched) > 1 and own.grid[at] == touched.min(), "the lowest code wins"
    lost = np.isnan(own.lon)
    assert (own.grid[lost] == -1).all() and lost.any()
    assert ((own.grid == -1) & ~lost).any(), "some lie outside the district"
    assert all(small.addresses[at] for at in own.address[lost])
    housed = own.building >= 0
    assert (small.buildings.grid.to_numpy()[own.building[housed]] == own.grid[housed]).all()


def test_no_stamp_lies_in_the_future_or_out_of_turn(small):
    own, now = small.incidents, round(NOW.timestamp() * 1e6)
    assert (np.diff(own.reported_at) >= 0).all() and own.reported_at[-1] <= now
    before = own.reported_at
    for name in ("filed_at", "dispatched_at", "handled_at", "closed_at"):
        stamp = getattr(own, name)
        assert (stamp <= now).all() and (stamp[stamp != NEVER] >= before[stamp != NEVER]).all(), name
        before = np.where(stamp == NEVER, before, stamp)
    ended = np.isin(own.state, [STATES.index("closed"), STATES.index("not_filed")])
    assert (ended == (own.closed_at != NEVER)).all()
    assert 0 < (~ended).sum() < 0.05 * len(own)
    assert (own.closed_at <= own.due_at)[ended].mean() > 0.85


def test_there_are_incidents_of_today(small):
    midnight = NOW.astimezone(CHINA).replace(hour=0, minute=0).timestamp() * 1e6
    assert (small.incidents.reported_at >= midnight).sum() >= 3


def test_deadlines_equal_those_of_the_clock_that_does_one_at_a_time(small):
    days = small.calendar
    calendar = Calendar(
        CHINA, frozenset(small.years), frozenset(days.day[days.kind == "holiday"]), frozenset(days.day[days.kind == "make_up"])
    )
    own = small.incidents
    for at in range(0, len(own), 37):
        kind = KINDS[own.category[at]]
        start = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(own.reported_at[at]))
        due = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(own.due_at[at]))
        assert due == deadline(start, kind.limit, kind.unit, calendar), (kind.zh, start)


def test_planted_clusters_stand_out_from_what_happens_anyway(small):
    own = small.incidents
    assert set(small.clusters.kind) == {"constant", "emerging", "weekly_market", "noisy_building", "near_repeat"}
    for number, cluster in small.clusters.iterrows():
        made = own.cluster == number
        assert made.sum() == cluster.extra > 0
        assert (own.category[made] == cluster.category).all()
        assert np.isin(own.grid[made], cluster.grids).all()
        assert ((own.reported_at[made] >= cluster.start) & (own.reported_at[made] <= cluster.end)).all()
        assert cluster.relative_risk > 1.5
        assert list(small.grids.code.iloc[cluster.grids]) == cluster.grid_codes
    market = own.reported_at[own.cluster == small.clusters.index[small.clusters.kind == "weekly_market"][0]]
    local = pd.to_datetime(market + 8 * 3_600_000_000, unit="us")
    assert (local.day_of_week == 5).all() and local.hour.isin(range(6, 13)).all()


def test_the_same_seed_and_moment_make_the_same_district(small):
    assert fingerprint(generate("small", now=NOW)) == fingerprint(small)
    assert fingerprint(generate("small", now=NOW, seed=8)) != fingerprint(small)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_tile_as_exactly(seed):
    district = generate("small", now=NOW, seed=seed)
    for parent, children in families(district):
        assert tiles_exactly(list(children.geometry), parent.geometry), parent.code


def test_an_unknown_size_and_a_moment_without_a_zone_are_refused():
    with pytest.raises(BadValue, match="no demo of that size"):
        generate("huge", now=NOW)
    with pytest.raises(BadValue, match="needs a time zone"):
        generate("small", now=datetime(2026, 11, 23))  # noqa: DTZ001


def fingerprint(district: District) -> str:
    """A hash over every table, geometries to the bit."""
    parts = hashlib.sha256()
    for name in (
        "areas",
        "grids",
        "buildings",
        "households",
        "residents",
        "care",
        "officers",
        "assignments",
        "facilities",
        "base",
        "calendar",
    ):
        frame = getattr(district, name)
        if "geometry" in frame:
            parts.update(b"".join(wkb or b"-" for wkb in shapely.to_wkb(frame.geometry.to_numpy())))
            frame = pd.DataFrame(frame.drop(columns="geometry"))
        parts.update(frame.to_csv().encode())
    for column in vars(district.incidents).values():
        parts.update(np.ascontiguousarray(column).tobytes())
    parts.update(repr(district.addresses).encode() + district.clusters.to_csv().encode())
    return parts.hexdigest()
