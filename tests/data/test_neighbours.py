"""Files of neighbours: every form says the same, what is left out is said, and a form that is none is refused with those that are."""

import json
from pathlib import Path

import libpysal
import numpy as np
import pytest

from data.files.neighbours import neighbours_from
from gis.errors import BadFile

IDS = ["A", "B", "C", "D", "E"]
LISTED = {"A": ["B", "C"], "B": ["A", "C"], "C": ["A", "B", "D"], "D": ["C"], "E": []}
TABLE = "id,A,B,C,D,E\nA,0,1,1,0,0\nB,1,0,1,0,0\nC,1,1,0,1,0\nD,0,0,1,0,0\nE,0,0,0,0,0\n"
PAIRS = "".join(f"{one},{other}\n" for one, others in LISTED.items() for other in others)
FORMS = {
    "pairs.csv": "id,neighbour\n" + PAIRS,
    "bare.csv": PAIRS,
    "weighed.csv": "focal,neighbor,weight\n" + PAIRS.replace("\n", ",1\n") + "E,A,0\n",
    "lists.csv": "id,neighbours\n" + "".join(f"{one},{' '.join(others)}\n" for one, others in LISTED.items()),
    "semicolons.csv": "".join(f"{one},{';'.join(others)}\n" for one, others in LISTED.items()),
    "table.csv": TABLE,
    "mark.csv": "\ufeffid,neighbour\n" + PAIRS,
    "named.json": json.dumps(LISTED),
    "weights.json": json.dumps({one: dict.fromkeys(others, 1) for one, others in LISTED.items()}),
    "counted.json": json.dumps([[IDS.index(each) for each in LISTED[one]] for one in IDS]),
    "counted.csv": "focal,neighbor\n" + "".join(f"{IDS.index(a)},{IDS.index(b)}\n" for a, others in LISTED.items() for b in others),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_one_relation_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name], "utf-8")
    found, notes = neighbours_from(path, IDS)
    assert {one: [IDS[each] for each in found.index[found.first[row] : found.first[row + 1]]] for row, one in enumerate(IDS)} == LISTED
    assert len(notes) == (1 if name in ("weighed.csv", "counted.csv") else 0), notes


@pytest.mark.parametrize("suffix", [".gal", ".gwt"])
def test_files_that_libpysal_writes_are_read_as_it_reads_them(suffix: str, tmp_path: Path) -> None:
    places = np.random.default_rng(4).random((40, 2)) * 1_000
    apart = np.hypot(*(places[:, None] - places).T)
    near = {row: [int(each) for each in np.flatnonzero(apart[row] < 200) if each != row] for row in range(40)}
    theirs = libpysal.weights.W(near, {row: apart[row, each].tolist() for row, each in near.items()}, silence_warnings=True)
    path = tmp_path / f"w{suffix}"
    opened = libpysal.io.open(str(path), "w")
    opened.write(theirs)
    opened.close()
    found, notes = neighbours_from(path, [f"place {each}" for each in range(40)])
    assert {row: sorted(found.index[found.first[row] : found.first[row + 1]].tolist()) for row in range(40)} == {
        row: sorted(each) for row, each in theirs.neighbors.items()
    }
    assert "counts them from 0" in notes[0] and ("differ" in notes[-1]) == (suffix == ".gwt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A,B,C,D\nB,A,C,D\n", "square table"),
        ("A,B,C\nB,A,C\n", "square table"),
        ("id,one,other\nA,B,C\n", "'C' is no weight"),
        ("id,neighbour\nA,Z\n", "such as Z"),
        ("Z,A\nA,B\n", "such as Z"),
        ("id,neighbour,weight\nA,B,-1\n", "'-1' is no weight"),
        ("A\nB\n", "square table"),
        ("", "empty"),
    ],
)
def test_a_form_that_is_none_is_refused_with_those_that_are(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text)
    with pytest.raises(BadFile, match=said):
        neighbours_from(path, IDS)


def test_pairs_in_one_direction_and_weights_that_differ_are_said(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("id,neighbour,weight\nA,B,0.5\nB,A,0.5\nA,C,0.25\n")
    found, notes = neighbours_from(path, IDS)
    assert found.number.tolist() == [2, 1, 0, 0, 0]
    assert "differ" in notes[0] and "1 of 3 pairs" in notes[1]
