"""Bundles our own scripts and style sheets into a few files with hashed names, so that a page opens with few requests."""

import json
import shutil
import subprocess
from pathlib import Path

from gis.errors import Unavailable
from web import bundled
from web.pages import BUNDLES

OPTIONS = (
    "--bundle", "--splitting", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", "--charset=utf8",
    "--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]", "--external:/static/*", "--loader:.png=dataurl",
)  # fmt: skip


def build(esbuild: Path, work: Path) -> None:
    """Write `web/static/built` anew from today's sources; the folder is swapped in whole. Raises Unavailable with esbuild's reason."""
    entries, fresh = work / "entries", work / "built"
    for folder in (entries, fresh):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    fingerprint = bundled.fingerprint()
    for page, (modules, styles) in BUNDLES.items():
        (entries / f"{page}.js").write_text("".join(f"export * as {bundled.namespace(each)} from {_file(each)};\n" for each in modules))
        (entries / f"{page}.css").write_text("".join(f"@import {_file(each)};\n" for each in styles))
    # Each page by itself: what pages share would else come in many small pieces, and each piece is a request.
    files = {name: made for entry in sorted(entries.iterdir()) for name, made in _bundled(esbuild, work, entry, fresh)}
    (fresh / "manifest.json").write_text(json.dumps({"built_from": fingerprint, "files": files}, indent=1, sort_keys=True))
    _swap(fresh)


def _bundled(esbuild: Path, work: Path, entry: Path, fresh: Path) -> list[tuple[str, str]]:
    facts = work / "bundles.json"
    command = [str(esbuild), *OPTIONS, f"--outdir={fresh}", f"--metafile={facts}", str(entry)]
    run = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Unavailable(f"The pages' own files could not be bundled: {run.stderr.strip()[:400]}")
    made = json.loads(facts.read_text())["outputs"]
    return [(entry.name, Path(path).name) for path, each in made.items() if Path(each.get("entryPoint", "")).name == entry.name]


def _file(address: str) -> str:
    return json.dumps(str(bundled.WEB / address.lstrip("/")))


def _swap(fresh: Path) -> None:
    past = bundled.BUILT.with_name("built.past")
    shutil.rmtree(past, ignore_errors=True)
    if bundled.BUILT.exists():
        bundled.BUILT.rename(past)
    shutil.move(fresh, bundled.BUILT)
    shutil.rmtree(past, ignore_errors=True)
