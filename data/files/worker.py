"""The process that reads strangers' files: it loads the libraries once, then each file is read by a child with limits of its own.

Speaks lines of JSON: a request on standard input, an answer on standard output. Run by data.files.desk only.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

from data.files import layer, reading
from gis.errors import BadFile, Refusal

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
NO_FILE_LARGER_BYTES = 4_000_000_000


def main() -> None:
    """Serve requests until standard input closes."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_in_child(request)), file=answers, flush=True)


def _in_child(request: dict[str, object]) -> dict[str, object]:
    """Fork, read, and tell how it went; the child can be killed by any limit without harm to the next file."""
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        status = 1
        try:
            os.write(say, json.dumps(_answer(request)).encode()[:60_000])
            status = 0
        finally:
            os._exit(status)
    os.close(say)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(str(request["seconds"])) * 2)
    with os.fdopen(said, "rb") as heard:
        text = heard.read()
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if os.WIFSIGNALED(status):
        return {"died": signal.Signals(os.WTERMSIG(status)).name}
    return json.loads(text) if text else {"died": f"exit {os.WEXITSTATUS(status)}"}


def _answer(request: dict[str, object]) -> dict[str, object]:
    try:
        _limit(int(str(request["bytes"])), int(str(request["seconds"])))
        fields = request["question"]
        assert isinstance(fields, dict)
        question = layer.Question(**{**fields, "fill_down": tuple(fields["fill_down"])})
        found = reading.read(Path(str(request["path"])), question, Path(str(request["folder"])))
        layer.write(found, Path(str(request["result"])))
    except Refusal as refusal:
        return {"refused": refusal.code, "message": refusal.message, "facts": _plain(refusal.facts)}
    except MemoryError:
        return {"died": "MemoryError"}
    except RecursionError:
        return {"refused": BadFile.code, "message": "It is nested too deeply to be a layer.", "facts": {}}
    except Exception as bug:  # noqa: BLE001  a library tripped over a stranger's file: that file is refused, the program goes on
        where = traceback.extract_tb(bug.__traceback__)[-1]
        return {"refused": BadFile.code, "facts": {},
                "message": f"Reading it failed: {type(bug).__name__} in {Path(where.filename).name}: {_first_line(bug)}"}  # fmt: skip
    return {"read": True}


def _first_line(bug: BaseException) -> str:
    """The first line of what a library said."""
    lines = str(bug).strip().splitlines()
    return lines[0][:200] if lines else ""


def _limit(memory_bytes: int, seconds: int) -> None:
    """Memory, processor time, file size and, where the system lets us, no network."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (NO_FILE_LARGER_BYTES, NO_FILE_LARGER_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _plain(facts: dict[str, object]) -> dict[str, object]:
    """Facts that JSON can hold; whoever asked goes by a list of layers, so a list stays one."""
    return {name: [_short(each) for each in value] if isinstance(value, list | tuple) else _short(value) for name, value in facts.items()}


def _short(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)[:500]


if __name__ == "__main__":
    main()
