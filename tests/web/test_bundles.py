"""Bundles: they stand in for the sources only while they fit them, and a browser keeps what names its version."""

import json
import re

import pytest

from tests.conftest import Client
from web import bundled, pages
from web.page import View

GROUND = pages.Ground("云麓区", (112.8, 28.1, 113.0, 28.3))


@pytest.fixture
def bundles(tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
    """A folder of bundles with its manifest, as the set-up would leave it; called with what the bundles were built from."""

    def leave(built_from: str) -> None:
        files = {name: name.replace(".", "-ABC.") for name in ("screen.js", "screen.css", "plain.js", "plain.css")}
        (tmp_path / "manifest.json").write_text(json.dumps({"built_from": built_from, "files": files}))
        bundled._fitting.cache_clear()
        bundled._manifest.cache_clear()

    monkeypatch.setattr(bundled, "BUILT", tmp_path)
    monkeypatch.setattr(bundled, "LOOK_EVERY_S", 1e9)
    yield leave
    bundled._fitting.cache_clear()
    bundled._manifest.cache_clear()


def test_a_page_loads_the_bundle_that_fits_its_sources(bundles) -> None:  # type: ignore[no-untyped-def]
    bundles(bundled.fingerprint())
    page = pages.one_screen(View(), GROUND)
    assert set(re.findall(r"/static/(?:js|css|built)/[^\"]+", page)) == {"/static/built/screen-ABC.js", "/static/built/screen-ABC.css"}
    assert set(re.findall(r"/static/(?:js|css|built)/[^\"]+", pages.sign_in(View()))) == {
        "/static/built/plain-ABC.js",
        "/static/built/plain-ABC.css",
    }


def test_a_page_runs_from_the_sources_while_the_bundle_is_older(bundles) -> None:  # type: ignore[no-untyped-def]
    bundles("sources of yesterday")
    page = pages.one_screen(View(), GROUND)
    assert "/static/built/" not in page
    for module in pages.BUNDLES["screen"][0]:
        assert f'from "{module}"' in page
    for style in pages.BUNDLES["screen"][1]:
        assert f'href="{style}"' in page


def test_every_module_and_style_of_a_bundle_is_there() -> None:
    for modules, styles in pages.BUNDLES.values():
        for address in (*modules, *styles):
            assert "/vendor/" in address or (bundled.WEB / address.lstrip("/")).is_file(), address
        assert len({bundled.namespace(module) for module in modules}) == len(modules)


def test_a_change_of_a_source_is_seen(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "static/js").mkdir(parents=True)
    (tmp_path / "pages.py").write_text("")
    (tmp_path / "page.py").write_text("")
    monkeypatch.setattr(bundled, "WEB", tmp_path)
    monkeypatch.setattr(bundled, "VENDOR_MANIFEST", tmp_path / "none.json")
    before = bundled.fingerprint()
    (tmp_path / "static/js/new.js").write_text("export const one = 1;")
    assert bundled.fingerprint() != before


def test_a_source_is_asked_about_each_time_and_a_version_kept_for_good(client: Client) -> None:
    visitor = client(None)
    plain = visitor.get("/static/css/tokens.css")
    assert plain.headers["cache-control"] == "no-cache"
    assert visitor.get("/static/css/tokens.css", headers={"If-None-Match": plain.headers["etag"]}).status_code == 304
    assert visitor.get("/static/css/tokens.css?v=1").headers["cache-control"] == "public, max-age=31536000, immutable"


def test_text_travels_compressed_to_who_can_read_it_so(client: Client) -> None:
    visitor = client(None)
    packed = visitor.get("/static/css/panels.css", headers={"Accept-Encoding": "gzip"})
    plain = visitor.get("/static/css/panels.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
