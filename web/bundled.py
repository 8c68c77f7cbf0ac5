"""Bundled files stand in for a page's own modules and styles while they were built from today's sources."""

import hashlib
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent
BUILT = WEB / "static" / "built"
VENDOR_MANIFEST = WEB / "static" / "vendor" / "manifest.json"
LOOK_EVERY_S = 1.0
"""A page asks ten times over; the folder is looked through once."""
_SOURCES = ("static/js", "static/css")


def namespace(module: str) -> str:
    """The name under which a bundle exports a module: "/static/js/layers/ground.js" is layers_ground."""
    return module.removeprefix("/static/js/").removesuffix(".js").replace("/", "_")


def importing(bundle: str, module: str, export: str, name: str) -> str:
    """The statement that makes a module's export known as `name`: from the bundle, or from the module where none fits."""
    file = files().get(f"{bundle}.js")
    if file is None:
        return f'import {{ {export} as {name} }} from "{module}";'
    space = namespace(module)
    return f'import {{ {space} as {name}_module }} from "/static/built/{file}";\nconst {name} = {name}_module.{export};'


def module(bundle: str) -> str | None:
    """The address of a bundle's module; None where the page runs from the sources."""
    file = files().get(f"{bundle}.js")
    return None if file is None else f"/static/built/{file}"


def styles(bundle: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The style sheets to link: the one bundle, or all of them."""
    file = files().get(f"{bundle}.css")
    return addresses if file is None else (f"/static/built/{file}",)


def versioned(address: str) -> str:
    """The address of a vendored file with its version, so that a browser may keep it for good."""
    return f"{address}?v={_vendored(_changed(VENDOR_MANIFEST))}"


def files() -> Mapping[str, str]:
    """The bundles by what they are, empty where they are older than the sources: then the page runs from the sources."""
    return _fitting(int(time.monotonic() / LOOK_EVERY_S))


def fingerprint() -> str:
    """What the sources are now; read again only when one of them has changed."""
    return _fingerprint(tuple((str(path), _changed(path)) for path in _sources()))


def _sources() -> list[Path]:
    own = sorted(path for folder in _SOURCES for path in (WEB / folder).rglob("*") if path.is_file())
    return [*own, VENDOR_MANIFEST, WEB / "pages.py", WEB / "page.py"]


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=1)
def _fitting(_look: int) -> Mapping[str, str]:
    found = _manifest(_changed(BUILT / "manifest.json"))
    fits = bool(found) and found["built_from"] == fingerprint()
    return dict(found["files"]) if fits else {}


@lru_cache(maxsize=4)
def _fingerprint(sources: tuple[tuple[str, int], ...]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, changed in sources:
        digest.update(f"{Path(name).relative_to(WEB)}\0".encode())
        digest.update(Path(name).read_bytes() if changed else b"")
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _manifest(changed: int) -> Mapping[str, Any]:
    return dict(json.loads((BUILT / "manifest.json").read_text("utf-8"))) if changed else {}


@lru_cache(maxsize=2)
def _vendored(changed: int) -> str:
    return hashlib.blake2b(VENDOR_MANIFEST.read_bytes(), digest_size=6).hexdigest() if changed else "0"
