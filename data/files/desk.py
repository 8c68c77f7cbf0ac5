"""The desk at which files are opened: starts the worker, hands it files, and turns its end into a refusal, never into ours."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from data.files import layer
from data.files.layer import Layer, Question
from gis.errors import BadFile

MEMORY_BYTES = 6_000_000_000
"""Address space, of which the libraries take 1 GB before they read a byte."""
SECONDS = 120
"""Processor time for one file; wall time may be twice as long."""
PROJECT = Path(__file__).parent.parent.parent
# Formats that fetch or include other files have no business here, whatever a file's bytes make GDAL believe.
NO_DRIVERS = "OGR_VRT,VRT,WFS,OAPIF,OGCAPI,HTTP,CSW,GDALG,Elasticsearch,Carto,AmigoCloud,PLSCENES,NGW,EEDA,GMLAS,ADBC,PGDUMP,GPSBabel,OSM"


class Desk:
    """Reads files in a worker process; use it as a context. Not for several threads at once."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES, seconds: int = SECONDS) -> None:
        self.memory_bytes = memory_bytes
        self.seconds = seconds
        self._worker: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, path: Path, question: Question | None = None) -> Layer:
        """A file as a layer. Raises BadFile: what is wrong with it and what to do."""
        [whole] = self.parts(path, question, None)
        return whole

    def parts(self, path: Path, question: Question | None, size: int | None) -> Generator[Layer]:
        """The same, at most `size` rows at a time, so that a file of any length takes little memory here."""
        with tempfile.TemporaryDirectory(prefix="wangge-import-") as folder:
            result = Path(folder) / "layer.arrow"
            inside = Path(folder) / "unpacked"
            inside.mkdir()
            request = {"path": str(path.absolute()), "question": asdict(question or Question()), "folder": str(inside),
                       "result": str(result), "bytes": self.memory_bytes, "seconds": self.seconds}  # fmt: skip
            answer = self._ask(request)
            if "died" in answer:
                raise BadFile(_how_it_died(str(answer["died"]), self.seconds, self.memory_bytes), file=path.name)
            if "refused" in answer:
                raise BadFile(str(answer["message"]), **{**_dict(answer["facts"]), "file": path.name})
            yield from layer.parts(result, size)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            assert self._worker.stdin is not None
            assert self._worker.stdout is not None
            self._worker.stdin.close()
            try:
                self._worker.wait(timeout=10)
            except subprocess.TimeoutExpired:  # it has answered, and only gives back gigabytes on a busy machine
                self._worker.kill()
                self._worker.wait()
            self._worker.stdout.close()
            self._worker = None

    def _ask(self, request: dict[str, object]) -> dict[str, object]:
        worker = self._running()
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
        if not line:
            self._worker = None
            return {"died": f"exit {worker.wait()}"}
        return _dict(json.loads(line))

    def _running(self) -> subprocess.Popen[str]:
        if self._worker is None:
            quiet = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
            # Nothing of our own environment: it may hold passwords, and this process reads strangers' files.
            environment = {**quiet, "OGR_SKIP": NO_DRIVERS, "GDAL_SKIP": NO_DRIVERS, "CPL_LOG": os.devnull,
                           "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "PYTHONUTF8": "1", "PYTHONPATH": str(PROJECT),
                           "TMPDIR": tempfile.gettempdir()}  # fmt: skip
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "data.files.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, cwd=PROJECT, env=environment,
            )  # fmt: skip
        return self._worker


def _how_it_died(cause: str, seconds: int, memory_bytes: int) -> str:
    if cause in ("SIGXCPU", "SIGKILL"):
        return f"Reading it took more than {seconds} s and was stopped. Split the file, or ask for it in GeoPackage or Parquet."
    if cause == "MemoryError":
        return f"Reading it needs more than {memory_bytes // 1_000_000_000} GB of memory and was stopped. Split the file."
    return f"Reading it broke the reader ({cause}). The file is damaged or hostile; ask for it again in another format."


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
