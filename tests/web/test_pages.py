"""What a page is made of: small, ours alone, the same each time, and safe whatever people have written."""

import re
from pathlib import Path

import pytest

import web
from web import pages
from web.page import THEMES, View
from web.words import LANGUAGES

WEB = Path(web.__file__).parent
VIEW = View("zh", "dark", "n0nce")
NASTY = "</script><img src=x onerror=alert(1)>${7*7}{{7*7}}{% raw %}"
GROUND = pages.Ground("云麓区", (112.8, 28.1, 113.0, 28.3))
OUTSIDE = re.compile(r"""(?:src|href|url|from|import|fetch)\s*[=(]?\s*["'(]?\s*(?:https?:)?//""")


def all_pages(view: View) -> dict[str, str]:
    return {
        "one screen": pages.one_screen(view, GROUND),
        "plans": pages.plans(view, GROUND),
        "editor": pages.editor(view, GROUND, 7),
        "design": pages.design(view, GROUND),
        "sign-in": pages.sign_in(view),
        "link": pages.sign_in_link(view, token="t" * 24),
        "reference": pages.api_reference(view, openapi_url="/api/openapi.json"),
        **{f"problem {status}": pages.problem(view, status) for status in (403, 404, 500, 503)},
    }


def test_the_one_screen_is_less_than_ten_kilobytes_of_html() -> None:
    assert len(pages.one_screen(VIEW, GROUND).encode()) < 10_000


def test_a_page_is_the_same_each_time_it_is_made() -> None:
    assert pages.one_screen(VIEW, GROUND) == pages.one_screen(VIEW, GROUND)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_its_language_and_theme(language, theme) -> None:  # type: ignore[no-untyped-def]
    for page in all_pages(View(language, theme, "n")).values():
        assert f'data-language="{language}" data-theme="{theme}"' in page
        assert re.search(r"<title>[^<]+</title>", page)


def test_every_inline_script_carries_the_nonce_and_no_markup_carries_a_handler_or_style() -> None:
    for page in all_pages(VIEW).values():
        inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page)
        assert inline
        assert all('nonce="n0nce"' in attributes for attributes in inline)
        assert not re.search(r"<[a-z][^>]*\s(?:on[a-z]+|style)=", page)
        assert "<style" not in page


def test_no_page_and_no_file_of_ours_loads_anything_from_outside() -> None:
    for page in all_pages(VIEW).values():
        assert not OUTSIDE.search(page)
    for file in [*(WEB / "static/js").rglob("*.js"), *(WEB / "static/css").glob("*.css")]:
        assert not OUTSIDE.search(file.read_text("utf-8")), file.name


def test_phones_may_zoom() -> None:
    for page in all_pages(VIEW).values():
        assert "user-scalable" not in page
        assert "maximum-scale" not in page


def test_what_people_wrote_stays_text_in_every_page() -> None:
    for page in (
        pages.one_screen(VIEW, pages.Ground(NASTY, GROUND.bounds, review_number=NASTY)),
        pages.plans(VIEW, pages.Ground(NASTY, GROUND.bounds)),
        pages.editor(VIEW, pages.Ground(NASTY, GROUND.bounds, review_number=NASTY), 7),
        pages.sign_in(VIEW, next_url=NASTY, refused=NASTY),
        pages.problem(VIEW, 404, reference=NASTY),
    ):
        assert "<img src=x" not in page
        assert "</script><" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;${7*7}{{7*7}}" in page
        assert "{% raw %}" in page


def test_our_scripts_never_make_markup_or_code_from_text() -> None:
    for file in (WEB / "static/js").rglob("*.js"):
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text("utf-8"))
        assert found == [], file.name


def test_every_layer_of_the_map_names_a_module_that_is_there() -> None:
    for layer in (*pages.LAYERS, *pages.EDITOR_LAYERS):
        assert (WEB / layer.module.lstrip("/")).is_file()
    for address in set(re.findall(r'"(/static/(?:js|css|img)/[^"]+)"', "".join(all_pages(VIEW).values()))):
        assert (WEB / address.lstrip("/")).is_file(), address
