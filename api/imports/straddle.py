"""Units that lie in two parents: found, and where the mapping asks for it divided, or kept so that no parent stays empty."""

from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import LocalMetres
from gis.faces import mean_width_m, polygonal

LEAST_PIECE_M2 = 1.0


def shares(children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, metres: LocalMetres) -> pd.DataFrame:
    """Each child and parent that have ground in common: child, parent (positions), area_m2, share of the child, piece (degrees)."""
    of_child, of_parent = _sound(children), _sound(parents)
    child, parent = shapely.STRtree(of_parent).query(of_child, predicate="intersects")
    pieces = np.array([polygonal(each) for each in shapely.intersection(of_child[child], of_parent[parent])], dtype=object)
    area = shapely.area(metres.to_metres(pieces))
    whole = shapely.area(metres.to_metres(of_child))
    table = pd.DataFrame({"child": child, "parent": parent, "area_m2": area, "share": area / whole[child], "piece": pieces})
    return table[table["area_m2"] >= LEAST_PIECE_M2].sort_values(["child", "area_m2"], ascending=[True, False], ignore_index=True)


def inside(grids: gpd.GeoDataFrame, table: pd.DataFrame, from_share: float) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Only grids that have `from_share` of their ground in communities, and their `shares`, numbered anew."""
    held = table.groupby("child")["share"].sum().reindex(range(len(grids)), fill_value=0.0).to_numpy()
    kept = held >= from_share
    place = np.cumsum(kept) - 1
    table = table[kept[table["child"]]].reset_index(drop=True)
    return grids[kept].reset_index(drop=True), table.assign(child=place[table["child"]])


def split(
    grids: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    table: pd.DataFrame,
    from_share: float,
    metres: LocalMetres,
    *,
    exclusive: bool = False,
) -> tuple[gpd.GeoDataFrame, dict[str, str], gpd.GeoDataFrame]:
    """Grids (`table`: their `shares`), those divided that have `from_share` of their ground in a second community or are all a part has.

    Returns the grids, new code → code of origin, and the pieces of grids outside their main community as defects. The same
    for communities in streets; then, with `exclusive`, the main part gives up the ground of what is split off.
    """
    table = table.copy()
    table["rank"] = table.groupby("child").cumcount()
    table = _as_named(table, grids, communities)
    second = table[table["rank"] > 0]
    chosen = second[second["share"] >= from_share]
    holders = pd.concat([table[table["rank"] == 0], chosen])
    chosen = pd.concat([chosen, _saved(grids, communities, holders, metres)])
    new, origin, codes = [], {}, set(grids["code"])
    for child, parent, piece in zip(chosen["child"], chosen["parent"], chosen["piece"], strict=True):
        source = grids.iloc[child]
        number = 2
        while f"{source['code']}-{number}" in codes:
            number += 1
        code = f"{source['code']}-{number}"
        codes.add(code)
        origin[code] = str(source["code"])
        new.append({**source.to_dict(), "code": code, "name": f"{source['name']}-{number}", "geometry": piece, "households": 0,
                    "parent_code": communities["code"].iloc[parent]})  # fmt: skip
    divided = grids
    if new:
        divided = gpd.GeoDataFrame(
            pd.concat([grids, gpd.GeoDataFrame(new, crs=grids.crs)], ignore_index=True), geometry="geometry", crs=grids.crs
        )
        mains = table[table["rank"] == 0]
        parents = pd.Series(communities["code"].to_numpy()[mains["parent"]], index=mains["child"])
        divided.loc[parents.index, "parent_code"] = parents
        if exclusive:
            _cut_apart(divided, chosen["child"].to_numpy(), len(grids), from_share)
    return divided, origin, _as_defects(second, set(chosen.index), grids, communities, metres)


def _cut_apart(divided: gpd.GeoDataFrame, origins: NDArray[np.int64], first_new: int, least_share: float) -> None:
    """Take what was split off out of the ground it came from; small fragments stay with the part they share most border with."""
    for child in np.unique(origins):
        members = [int(child), *(first_new + np.flatnonzero(origins == child))]
        shapes = _sound(divided.iloc[members])
        whole = shapes[0].area
        shapes[0] = polygonal(shapely.difference(shapes[0], shapely.union_all(shapes[1:])))
        parts, label = shapely.get_parts(shapes, return_index=True)
        main = {int(each): int(np.argmax(np.where(label == each, shapely.area(parts), -1.0))) for each in np.unique(label)}
        for fragment in np.flatnonzero(shapely.area(parts) < least_share * whole):
            if fragment in main.values():
                continue
            common = shapely.length(shapely.intersection(parts[fragment], [parts[place] for place in main.values()]))
            if common.max() > 0:
                label[fragment] = list(main)[int(np.argmax(common))]
        for place, member in enumerate(members):
            divided.loc[member, "geometry"] = polygonal(shapely.union_all(parts[label == place]))


def _saved(grids: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, holders: pd.DataFrame, metres: LocalMetres) -> pd.DataFrame:
    """For each connected part of a community that no grid of it reaches, the largest piece of a grid there."""
    parts, community = shapely.get_parts(_sound(communities), return_index=True)
    table = shares(grids, gpd.GeoDataFrame(geometry=list(parts), crs=4490), metres)
    table["parent"], part = community[table["parent"]], table["parent"]
    held = pd.MultiIndex.from_frame(table[["child", "parent"]]).isin(pd.MultiIndex.from_frame(holders[["child", "parent"]]))
    lonely = table.assign(part=part)[~part.isin(set(part[held]))]
    found = lonely.sort_values("area_m2", ascending=False).drop_duplicates("part").assign(rank=1)
    found.index = pd.RangeIndex(-len(found), 0)
    return found.drop(columns="part")


def every_parent(communities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, metres: LocalMetres) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Communities with a named parent each, such that no street stays empty; and which were given away for that, to whom."""
    table = shares(communities, streets, metres)
    best = table.drop_duplicates("child")
    home: dict[int, int] = dict(zip(best["child"].tolist(), best["parent"].tolist(), strict=True))
    pairs = zip(table["child"].tolist(), table["parent"].tolist(), strict=True)
    area: dict[tuple[int, int], float] = dict(zip(pairs, table["area_m2"].tolist(), strict=True))
    taken: dict[str, str] = {}
    for street in sorted(set(range(len(streets))) - set(home.values())):
        sizes = Counter(home.values())
        offers = [
            (area[child, old] - area[child, street], child) for child, old in home.items() if (child, street) in area and sizes[old] > 1
        ]
        if offers:
            child = min(offers)[1]
            home[child] = street
            taken[str(communities["code"].iloc[child])] = str(streets["code"].iloc[street])
    named = communities.copy()
    named["parent_code"] = [
        given if given is not None else (streets["code"].iloc[home[child]] if child in home else None)
        for child, given in enumerate(communities["parent_code"])
    ]
    return named, taken


def _as_named(table: pd.DataFrame, grids: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Where the source names a grid's community, that one is its main one."""
    codes = communities["code"].to_numpy()
    given = grids["parent_code"].to_numpy()
    named = np.array([given[child] == codes[parent] for child, parent in zip(table["child"], table["parent"], strict=True)], dtype=bool)
    holds = set(table.loc[named, "child"])
    first = np.where(table["child"].isin(holds), named, table["rank"] == 0)
    return table.assign(rank=np.where(first, 0, np.maximum(table["rank"], 1)))


def _as_defects(
    second: pd.DataFrame, divided: set[int], grids: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, metres: LocalMetres
) -> gpd.GeoDataFrame:
    pieces = second["piece"].to_numpy()
    return gpd.GeoDataFrame(
        {
            "level": "grid",
            "kind": "straddle",
            "codes": list(zip(grids["code"].to_numpy()[second["child"]], communities["code"].to_numpy()[second["parent"]], strict=True)),
            "area_m2": second["area_m2"].to_numpy(),
            "width_m": mean_width_m(metres.to_metres(pieces)),
            "detail": [
                f"{share:.1%} of the grid{', now a grid of its own' if index in divided else ''}"
                for index, share in second["share"].items()
            ],
        },
        geometry=list(pieces),
        crs=4490,
    )  # fmt: skip


def _sound(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    shapes = np.array(frame.geometry.array, dtype=object)
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = [polygonal(shapely.make_valid(each)) for each in shapes[broken]]
    return shapes
