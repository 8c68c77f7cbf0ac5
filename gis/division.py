"""Who gets which face: the rules by which gaps, overlaps and cut-off pieces find an owner within their parent."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.faces import NOBODY, Faces, Ints

ROUNDS = 4
SHARED = 0.9
"""The share of a child's ground from which on, if others claim it too, the child has nowhere else to be."""


@dataclass(frozen=True)
class Claims:
    """Which children claim which faces: pairs (face, child) in order, and the parent that each child belongs to."""

    face: Ints
    child: Ints
    home: Ints

    def within(self, ground: Ints) -> "Claims":
        """Only the claims of children on faces of their own parent."""
        own = (ground[self.face] >= 0) & (self.home[self.child] == ground[self.face])
        return Claims(self.face[own], self.child[own], self.home)


def divide(faces: Faces, ground: Ints, claims: Claims, *, fill: bool = True) -> Ints:
    """The owner of every face: a child of the parent whose ground it is, or NOBODY.

    `ground` is the parent of each face, NOBODY outside. A face that one child of its parent claims is that child's; one
    that a child claims which lies almost all on ground of others, such as an enclave drawn onto the grid around it, is
    the smallest such child's. Another that several claim, or none, goes to the neighbour of its parent with the longest
    shared border (among those who claim it, if any do; the lowest child where lengths are equal). A piece that this cuts
    off from its child's main ground goes to a neighbour likewise. Without `fill`, faces that nobody claims stay nobody's.
    """
    own = claims.within(ground)
    claimed = np.bincount(own.face, minlength=len(ground))
    labels = np.full(len(ground), NOBODY)
    sole = claimed[own.face] == 1
    labels[own.face[sole]] = own.child[sole]
    _settle_the_covered(faces, labels, own, sole)
    open_faces = (ground >= 0) & (labels < 0) & (fill | (claimed > 0))
    labels = _grown(faces, ground, labels, open_faces, own)
    for _ in range(ROUNDS if fill else 0):
        strays = _strays(faces, labels, claims)
        if not strays.any():
            break
        regrown = _grown(faces, ground, np.where(strays, NOBODY, labels), strays, None)
        regrown = np.where(regrown < 0, labels, regrown)
        if (regrown == labels).all():
            break
        labels = regrown
    return labels


def _settle_the_covered(faces: Faces, labels: Ints, own: Claims, sole: NDArray[np.bool_]) -> None:
    """Children that lie almost all on ground of others keep it, the smallest first; of two that are alike the first."""
    area = faces.area_m2[own.face]
    whole = np.bincount(own.child, area, minlength=len(own.home))
    alone = np.bincount(own.child, area * sole, minlength=len(own.home))
    covered = np.flatnonzero((whole > 0) & (alone <= (1 - SHARED) * whole))
    for child in covered[np.argsort(whole[covered], kind="stable")]:
        mine = own.face[own.child == child]
        labels[mine[labels[mine] < 0]] = child


def homes(faces: Faces, claims_face: Ints, claims_child: Ints, parents: Ints, count: int) -> tuple[Ints, NDArray[np.float64]]:  # fmt: skip
    """For each of `count` children the parent that has most of its area, and that share of it; NOBODY, 0 if none has.

    `parents` is the parent of each face. Equal shares go to the lowest parent.
    """
    table = pd.DataFrame({"child": claims_child, "parent": parents[claims_face], "area": faces.area_m2[claims_face]})
    total = np.bincount(table["child"], table["area"], minlength=count)
    shares = table[table["parent"] >= 0].groupby(["child", "parent"])["area"].sum().reset_index()
    best = shares.sort_values(["child", "area", "parent"], ascending=[True, False, True]).drop_duplicates("child")
    home, share = np.full(count, NOBODY), np.zeros(count)
    index = best["child"].to_numpy()
    home[index] = best["parent"].to_numpy()
    share[index] = best["area"].to_numpy() / total[index]
    return home, share


def _grown(faces: Faces, ground: Ints, labels: Ints, open_faces: NDArray[np.bool_], own: Claims | None) -> Ints:
    """Let labelled ground take open faces of the same parent, round by round, longest shared border first."""
    labels, waiting = labels.copy(), open_faces.copy()
    one, other, length = faces.borders
    inner = ground[one] == ground[other]
    face = np.concatenate([one[inner], other[inner]])
    neighbour = np.concatenate([other[inner], one[inner]])
    length = np.concatenate([length[inner], length[inner]])
    claimed = set() if own is None else set(zip(own.face.tolist(), own.child.tolist(), strict=True))
    contested = np.zeros(len(labels), dtype=np.bool_)
    if own is not None:
        contested[own.face] = True
    while waiting.any():
        asks = waiting[face] & (labels[neighbour] >= 0)
        votes = pd.DataFrame({"face": face[asks], "child": labels[neighbour[asks]], "length": length[asks]})
        votes = votes.groupby(["face", "child"])["length"].sum().reset_index()
        fair = [not contested[f] or (f, c) in claimed for f, c in zip(votes["face"].tolist(), votes["child"].tolist(), strict=True)]
        votes = votes[np.array(fair, dtype=np.bool_)]
        if votes.empty:
            if own is None or not _settle_by_order(labels, waiting, own):
                break
            continue
        won = votes.sort_values(["face", "length", "child"], ascending=[True, False, True]).drop_duplicates("face")
        labels[won["face"].to_numpy()] = won["child"].to_numpy()
        waiting[won["face"].to_numpy()] = False
    return labels


def _settle_by_order(labels: Ints, waiting: NDArray[np.bool_], own: Claims) -> bool:
    """Faces that only their claimants surround, such as a polygon given twice: the lowest child takes them."""
    still = waiting[own.face]
    if not still.any():
        return False
    faces, first = np.unique(own.face[still], return_index=True)
    labels[faces] = own.child[still][first]
    waiting[faces] = False
    return True


def _strays(faces: Faces, labels: Ints, claims: Claims) -> NDArray[np.bool_]:
    """Faces in pieces of a child that are not the main piece of any part the child came with."""
    piece = faces.components(labels)
    part = _source_parts(faces, claims)
    kept = labels[claims.face] == claims.child
    table = pd.DataFrame(
        {
            "piece": piece[claims.face[kept]],
            "part": part[kept],
            "area": faces.area_m2[claims.face[kept]],
        }
    )
    table = table.groupby(["piece", "part"])["area"].sum().reset_index()
    main = table.sort_values(["part", "area", "piece"], ascending=[True, False, True]).drop_duplicates("part")
    return (labels >= 0) & ~np.isin(piece, main["piece"].to_numpy())


def _source_parts(faces: Faces, claims: Claims) -> Ints:
    """A number for each claim: the same for claims of one child on faces that hang together by borders."""
    one, other, _ = faces.borders
    nodes = pd.DataFrame({"face": claims.face, "child": claims.child, "node": np.arange(len(claims.face))})
    borders = pd.DataFrame({"one": one, "other": other})
    joined = borders.merge(nodes, left_on="one", right_on="face").merge(
        nodes, left_on=["other", "child"], right_on=["face", "child"], suffixes=("_one", "_other")
    )
    size = len(nodes)
    links = (joined["node_one"].to_numpy(), joined["node_other"].to_numpy())
    graph = coo_array((np.ones(len(joined), dtype=np.int8), links), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
