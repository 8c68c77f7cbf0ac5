"""Every text exists in both languages, with the same slots, and every text a page asks for is there."""

import re
from pathlib import Path

import pytest

import web
from web.words import LANGUAGES, language_of, slots, table, word

WEB = Path(web.__file__).parent
SOURCES = [*(WEB / "static/js").rglob("*.js"), *(WEB / "templates").rglob("*.*"), *WEB.rglob("*.py")]
WHOLE = re.compile(r"""\bword\(\s*["'`]([a-z_0-9.\-]+)["'`]""")
BEGUN = re.compile(r"""\b(?:word|known)\(\s*`([a-z_0-9.\-]*)\$\{""")
CODED = re.compile(r"""\bcoded\(\s*["'`]([a-z_]+)["'`]""")


def asked(pattern: re.Pattern[str]) -> set[str]:
    return {found for source in SOURCES for found in pattern.findall(source.read_text("utf-8"))}


def test_both_languages_have_the_same_words() -> None:
    assert set(table("zh")) == set(table("en"))


def test_both_languages_fill_the_same_slots() -> None:
    different = [key for key in table("zh") if slots(table("zh")[key]) != slots(table("en")[key])]
    assert different == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_empty(language: str) -> None:
    assert [key for key, text in table(language).items() if not text.strip()] == []  # type: ignore[arg-type]


def test_english_words_hold_no_chinese() -> None:
    assert [key for key, text in table("en").items() if re.search(r"[\u3400-\u9fff]", text)] == []


def test_every_word_a_page_or_script_asks_for_exists() -> None:
    keys = asked(WHOLE)
    assert len(keys) > 80
    assert sorted(keys - set(table("zh"))) == []


def test_every_family_of_words_a_script_asks_for_has_members() -> None:
    families = {each for each in asked(BEGUN) if each} | {f"{each}." for each in asked(CODED)}
    assert {"kpi.", "fill.", "state.", "severity."} <= families
    assert [family for family in sorted(families) if not any(key.startswith(family) for key in table("zh"))] == []


def test_every_code_of_the_schema_has_a_word() -> None:
    sql = "".join(file.read_text("utf-8") for file in sorted((WEB.parent / "migrations/sql").glob("*.up.sql")))
    for family, column in {"state": "state", "care": "class", "tenure": "tenure", "status": "status", "level": "level"}.items():
        listed = re.search(rf"\b{column}\s+text[^;]*?CHECK \({column} IN \(([^)]*)\)", sql)
        assert listed, column
        codes = re.findall(r"'([a-z_]+)'", listed[1])
        assert [code for code in codes if f"{family}.{code}" not in table("zh")] == []


def test_slots_take_what_they_are_given_and_nothing_else() -> None:
    assert word("en", "feed.newer", n="{n}${7*7}") == "{n}${7*7} new"
    with pytest.raises(KeyError):
        word("zh", "no.such.word")


@pytest.mark.parametrize(
    ("asked_for", "meant"),
    [("en-GB,en;q=0.9", "en"), ("zh-CN", "zh"), ("fr,en;q=0.5", "en"), ("fr", "zh"), ("", "zh"), (None, "zh")],
)
def test_the_language_of_a_header(asked_for: str | None, meant: str) -> None:
    assert language_of(asked_for) == meant
