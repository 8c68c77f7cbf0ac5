"""One analysis in a process of its own, so that its time and its memory are its own: `python -m bench._analysis URL ID`."""

import json
import resource
import sys
import time

from api.analyses import working
from api.work import Work


def main() -> None:
    """Work one analysis out and print what it took, once the libraries are loaded and the kernels compiled by a first, small one."""
    url, *ids = sys.argv[1:]
    work = Work(url)
    before = 0
    for id in ids:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu = time.perf_counter(), time.process_time()
        state = working.work_out(work, int(id))
        told = {"state": state, "wall": time.perf_counter() - began, "cpu": time.process_time() - cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "before_mb": before / 1024}  # fmt: skip
    work.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
