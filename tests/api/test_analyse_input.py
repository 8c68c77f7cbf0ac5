"""What files of others hold: months for times, columns that are no degrees, dates far off, numbers without end."""

from pathlib import Path

import numpy as np
import pytest

from tests.api.test_analyse_areas import answer, refusal, table


def monthly(path: Path, days: list[str]) -> tuple[Path, Path]:
    """A cube of 20 places and as many months, once with dates and once with numbers of steps; places 0 to 3 are hot in the last four."""
    random = np.random.default_rng(12)
    places = random.random((20, 2)) * 3_000
    near = np.hypot(*(places - places[0]).T).argsort()[:4]
    rows = []
    for place in range(20):
        for step in range(len(days)):
            hot = 5 if place in near and step >= len(days) - 4 else 1
            rows.append([place, *places[place], 200, days[step], step, random.poisson(4 * hot)])
    head = ["id", "x", "y", "people", "month", "step", "n"]
    return table(path / "cube.csv", [head, *rows]), table(path / "same.csv", [head, *rows])


@pytest.mark.parametrize(
    ("days", "last"),
    [([f"2025-{each:02d}-01" for each in range(1, 13)], ("2025-09-01", "2025-12-01")),
     (["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30", "2025-07-31", "2025-08-31"], ("2025-05-31", "2025-08-31")),
     ([f"{each}-07-01" for each in range(2014, 2024)], ("2020-07-01", "2023-07-01")),
     (["2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03", "2025-02-10", "2025-02-17", "2025-02-24"], ("2025-02-03", "2025-02-24"))],
)  # fmt: skip
def test_a_table_of_months_years_or_weeks_is_scanned_in_those_and_not_in_days(
    days: list[str], last: tuple[str, str], tmp_path: Path
) -> None:
    dated, counted = monthly(tmp_path, days)
    asked = ("--cases", "n", "--population", "people", "--max-share", "0.5", "--permutations", "99")
    found = answer(tmp_path, "scan", dated, *asked, "--time", "month")
    same = answer(tmp_path, "scan", counted, *asked, "--time", "step")
    first, alike = found["clusters"][0], same["clusters"][0]
    assert found["steps"] == same["steps"] == len(days) and (first["from"], first["to"]) == last
    assert [first[each] for each in ("members", "observed", "expected", "LLR", "p")] == [
        alike[each] for each in ("members", "observed", "expected", "LLR", "p")
    ]
    assert found["population"] == 20 * 200 and any("days apart" in each for each in found["notes"])


def test_columns_called_degrees_that_hold_none_are_refused_with_the_row(tmp_path: Path) -> None:
    rows = [[116.3 + each / 1000, 39.9] for each in range(20)]
    assert "first row 4: 116.303, 139" in refusal("kde", table(tmp_path / "far.csv", [["lon", "lat"], *rows[:3], [116.303, 139], *rows]))
    assert "--lon lat --lat lon" in refusal("kde", table(tmp_path / "turned.csv", [["lat", "lon"], *rows]))


def test_a_date_far_off_and_numbers_without_end_are_refused(tmp_path: Path) -> None:
    events = [[each * 50, 0, f"2026-03-{each % 28 + 1:02d}"] for each in range(400)]
    far = table(tmp_path / "far.csv", [["x", "y", "at"], *events, [0, 0, "2926-03-01"]])
    assert "Is one date far off?" in refusal("scan", far, "--model", "permutation", "--time", "at")
    assert "Is one date far off?" in refusal("trend", far, "--time", "at", "--step", "day")
    huge = table(
        tmp_path / "huge.csv", [["id", "lon", "lat", "n", "people"], *([each, 116 + each / 100, 40, 10**18, 5] for each in range(40))]
    )
    for words in (
        ("gi", huge, "--value", "n"),
        ("eb", huge, "--cases", "n", "--population", "people"),
        ("scan", huge, "--cases", "n", "--population", "people"),
    ):
        assert "no longer exact" in refusal(*words)


def test_relative_risk_of_a_place_is_that_of_a_cluster_of_it_alone(tmp_path: Path) -> None:
    rows = [[each, each * 100, 0, 10 + 40 * (each == 3), 100] for each in range(12)]
    found = answer(
        tmp_path, "scan", table(tmp_path / "s.csv", [["id", "x", "y", "n", "people"], *rows]), "--cases", "n", "--population", "people"
    )
    (first,) = [each for each in found["clusters"] if each["members"] == ["3"]]
    assert found["units"][3]["relative_risk"] == pytest.approx(first["relative_risk"]) and first["relative_risk"] == pytest.approx(50 / 10)
    assert found["units"][3]["ratio"] == pytest.approx(50 / (160 / 12))
