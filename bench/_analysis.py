"""One analysis in a process of its own, so that its time and its memory are its own: `python -m bench._analysis URL QUESTION …`."""

import json
import sys
import time
from pathlib import Path

from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from api.work import Work
from data.queries import analyses


def main() -> None:
    """Work questions out one after the other and print what the last took: libraries and kernels are loaded by those before."""
    url, *questions = sys.argv[1:]
    work = Work(url)
    told: dict[str, object] = {}
    for question in questions:
        with work.unit() as (session, scope):
            asked = complete(session, scope, QuestionIn.model_validate_json(question))
            id = service.keep(session, scope, asked, origin="command", asked_by=None)
        before, began, cpu = _peak_mb(), time.perf_counter(), time.process_time()
        state = working.work_out(work, id)
        told = {
            "state": state,
            "wall": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "peak_mb": _peak_mb(),
            "before_mb": before,
        }
        with work.unit() as (session, scope):
            row = analyses.one(session, scope, id)
        told |= {"incidents": row.incidents, "refusal": row.refusal}
    work.close()
    print(json.dumps(told))


def _peak_mb() -> float:
    """Of this process since it began; what getrusage tells is inherited from whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
