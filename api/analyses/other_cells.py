"""The same question on other cells: which of a map's hot units stay hot when the ground is cut in another way."""

import numpy as np
from numpy.typing import NDArray

from api.analyses.findings import Findings
from api.analyses.study import Study
from gis.hotspots.other_cells import on_other_cells

Homes = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def asked_again(study: Study, findings: Findings, homes: Homes | None) -> None:
    """Add to a map's findings what its hot units are on other cells. `homes`: lon, lat, households, for rates per household."""
    if findings.hot is None:
        return
    placed = np.isfinite(study.xy).all(axis=1)
    people = None if homes is None else (np.column_stack(study.metres.xy(homes[0], homes[1])), homes[2])
    borders = study.metres.to_metres(np.array(study.units.borders, dtype=object))
    found = on_other_cells(
        borders, findings.hot, study.xy[placed], homes=people, permutations=study.parameters["permutations"], seed=study.seed
    )
    findings.alternate = {"cuts": found.cuts.to_dict("records"), "hot": found.hot, "agree": found.agree}
    findings.units["steady"] = [bool(each) for each in found.table["steady"]]
