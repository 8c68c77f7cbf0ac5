"""How large a demo district is: the few figures from which everything else follows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts are exact except `buildings`, which follows from the blocks and is kept near what is named here."""

    name: str
    area_km2: float
    districts: int
    streets: int
    communities: int
    grids: int
    buildings: int
    households: int
    incidents: int
    days: int  # that the incidents span
    river_m: float  # width of the river
    hills: float  # share of the width of the ground that the hills take in the west
    spacing_m: float  # between arterial roads
    grain: float  # how many times larger than in a district the smallest pieces of ground are
    clusters: int  # how many times each kind of planted cluster occurs

    @property
    def band(self) -> tuple[int, int]:
        """Households that a grid should have: a quarter below and above the mean."""
        mean = self.households / self.grids
        return int(0.75 * mean), int(1.25 * mean + 0.5)


SIZES = {
    "small": Size("small", 1.38, 1, 2, 4, 36, 1_200, 6_600, 5_000, 210, 60.0, 0.0, 420.0, 1.0, 1),
    "district": Size("district", 44.0, 1, 14, 84, 1_007, 30_000, 210_000, 1_000_000, 1_096, 330.0, 0.13, 860.0, 1.0, 4),
    "city": Size("city", 1_400.0, 9, 163, 976, 3_461, 1_000_000, 3_000_000, 10_000_000, 1_096, 900.0, 0.12, 1_500.0, 5.0, 12),
}

CENTRE = (113.0, 28.2)  # degrees of EPSG:4490; the place is real, the district is not
COUNTY = 990_101  # a county code that the standard leaves unassigned
