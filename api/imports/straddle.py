"""Units that lie in two parents: found, and where the mapping asks for it divided, or kept so that no parent stays empty."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

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
    grids: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, table: pd.DataFrame, from_share: float, metres: LocalMetres
) -> tuple[gpd.GeoDataFrame, dict[str, str], gpd.GeoDataFrame]:
    """Grids with those divided (`table`: their `shares`) that have `from_share` of their ground in a second community, or all of a community's ground.

    Returns the grids, new code → code of origin, and the pieces of grids outside their main community as defects.
    """
    table = table.copy()
    table["rank"] = table.groupby("child").cumcount()
    table = _as_named(table, grids, communities)
    second = table[table["rank"] > 0]
    # A community that is nobody's main one would stay without a grid: its largest piece becomes one.
    empty = set(range(len(communities))) - set(table.loc[table["rank"] == 0, "parent"]) - set(
        second.loc[second["share"] >= from_share, "parent"]
    )  # fmt: skip
    saved = second[second["parent"].isin(empty)].sort_values("area_m2", ascending=False).drop_duplicates("parent")
    chosen = second[(second["share"] >= from_share) | second.index.isin(saved.index)]
    new, origin, codes = [], {}, set(grids["code"])
    for row in chosen.itertuples():
        source = grids.iloc[row.child]
        number = 2
        while f"{source['code']}-{number}" in codes:
            number += 1
        code = f"{source['code']}-{number}"
        codes.add(code)
        origin[code] = str(source["code"])
        new.append({**source.to_dict(), "code": code, "name": f"{source['name']}-{number}", "geometry": row.piece, "households": 0,
                    "source_id": code, "parent_code": communities["code"].iloc[row.parent]})  # fmt: skip
    divided = grids
    if new:
        divided = gpd.GeoDataFrame(pd.concat([grids, gpd.GeoDataFrame(new, crs=grids.crs)], ignore_index=True), geometry="geometry", crs=grids.crs)
        mains = table[table["rank"] == 0]
        parents = pd.Series(communities["code"].to_numpy()[mains["parent"]], index=mains["child"])
        divided.loc[parents.index, "parent_code"] = parents
    return divided, origin, _as_defects(second, set(chosen.index), grids, communities, metres)


def every_parent(
    communities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, metres: LocalMetres
) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Communities with a named parent each, such that no street stays empty; and which were given away for that, to whom."""
    table = shares(communities, streets, metres)
    home = table.drop_duplicates("child").set_index("child")["parent"].to_dict()
    area = {(row.child, row.parent): row.area_m2 for row in table.itertuples()}
    taken: dict[str, str] = {}
    for street in sorted(set(range(len(streets))) - set(home.values())):
        sizes = pd.Series(home).value_counts()
        offers = [
            (area[child, old] - area[child, street], child)
            for child, old in home.items()
            if (child, street) in area and sizes[old] > 1
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
            "codes": [(grids["code"].iloc[child], communities["code"].iloc[parent]) for child, parent in zip(second["child"], second["parent"], strict=True)],
            "area_m2": second["area_m2"].to_numpy(),
            "width_m": mean_width_m(metres.to_metres(pieces)),
            "detail": [f"{share:.1%} of the grid{', now a grid of its own' if index in divided else ''}" for index, share in second["share"].items()],
        },
        geometry=list(pieces),
        crs=4490,
    )  # fmt: skip


def _sound(frame: gpd.GeoDataFrame) -> np.ndarray:
    shapes = np.array(frame.geometry.array, dtype=object)
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = [polygonal(shapely.make_valid(each)) for each in shapes[broken]]
    return shapes
