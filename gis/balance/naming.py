"""Which part of a plan is which part of today: names are matched so that the least weight changes its name."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from gis.balance.graph import Floats, Ints

NOBODY = -1


def matched(labels: Ints, home: Ints, weights: Floats) -> dict[int, int]:
    """For the labels that hold ground of a home part, whose they are: each home part has one heir at most.

    Between equal weights the number of atoms decides. `home` is -1 where an atom belongs to nobody today.
    """
    at_home = home != NOBODY
    parts, row = np.unique(labels[at_home], return_inverse=True)
    homes, column = np.unique(home[at_home], return_inverse=True)
    if not len(parts):
        return {}
    shared = np.zeros((len(parts), len(homes)))
    crumb = 1e-6 * (float(weights.sum()) or 1.0) / len(labels)
    np.add.at(shared, (row, column), weights[at_home] + crumb)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {int(parts[one]): int(homes[two]) for one, two in zip(rows, columns, strict=True) if shared[one, two] > 0}


def as_labels(labels: Ints, home: Ints, weights: Floats) -> Ints:
    """`home` in the numbers of `labels`: what its parts are called in the plan; numbers beyond all labels where a part has no heir."""
    heir = {home_part: label for label, home_part in matched(labels, home, weights).items()}
    beyond = int(labels.max()) + 1
    known = np.unique(home[home != NOBODY])
    names = np.array([heir.get(int(part), beyond) for part in known], dtype=np.int64)
    result = np.full(len(home), NOBODY, dtype=np.int64)
    if len(known):
        result[home != NOBODY] = names[np.searchsorted(known, home[home != NOBODY])]
    return result


def as_home(labels: Ints, home: Ints, weights: Floats) -> Ints:
    """`labels` in the numbers of `home`; parts that are nobody's heirs get numbers after the highest of `home`."""
    heirs = matched(labels, home, weights)
    following = int(home.max(initial=-1)) + 1
    names = np.empty(int(labels.max()) + 1, dtype=np.int64)
    for label in np.unique(labels):
        names[label] = heirs.get(int(label), following)
        following += int(label) not in heirs
    return names[labels]
