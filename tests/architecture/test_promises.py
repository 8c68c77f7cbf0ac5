"""Promises of the architecture that no type checker sees, each with a line it must pass and a line it must catch."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import problems
from api.settings import Settings
from gis.errors import Refusal
from tests.api.test_scope_matrix import PUBLIC, VISITS

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("api", "web", "data", "gis")
LANGUAGES = ("zh", "en")


def leaves(kind: type[Refusal]) -> set[type[Refusal]]:
    below = kind.__subclasses__()
    return {leaf for each in below for leaf in leaves(each)} if below else {kind}


LEAVES = sorted((each for each in leaves(Refusal) if each.__module__ == "gis.errors"), key=lambda each: each.__name__)


def sources(*rooms: str) -> Iterator[tuple[str, str]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def calls_of(name: str, text: str) -> list[int]:
    """Lines on which a method of this name is called."""
    tree = ast.parse(text)
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]
    return [node.lineno for node in found]


def unlimited_scopes(text: str) -> list[int]:
    """Lines that make a scope without limits."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Scope":
            found += [node.lineno for each in node.keywords if each.arg == "everything" and getattr(each.value, "value", None) is not False]
    return found


def imports_of(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """(module, names) of every import that runs; those for the type checker alone do not."""
    found: list[tuple[str, tuple[str, ...]]] = []
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found += [(each.name, ()) for each in node.names]
        if isinstance(node, ast.ImportFrom):
            found.append((node.module or "", tuple(each.name for each in node.names)))
        waiting += ast.iter_child_nodes(node)
    return found


def users_of(module: str, *, calling: str = "") -> set[str]:
    """Files of api that import a module of api, whole or one of its names; with `calling`, those that call that function."""
    parent, _, last = module.rpartition(".")
    users = {
        path for path, text in sources("api") for where, names in imports_of(text) if where == module or (where == parent and last in names)
    }
    assert users, f"nobody imports {module}"
    return {path for path in users if re.search(rf"\b{calling}\b", (ROOT / path).read_text(encoding="utf-8"))}


@pytest.mark.parametrize("refusal", LEAVES, ids=lambda each: each.__name__)
def test_every_refusal_has_a_status_and_words_in_both_languages(refusal: type[Refusal]) -> None:
    from web.words import table  # noqa: PLC0415  only this promise needs the words

    assert refusal in problems.STATUS
    for language in LANGUAGES:
        assert table(language).get(f"refusal.{refusal.code}"), f"no words for {refusal.code} in web/locales ({language})"  # type: ignore[arg-type]


def test_there_is_a_status_for_leaves_only() -> None:
    assert set(problems.STATUS) == set(LEAVES)


def test_only_the_unit_of_work_commits() -> None:
    # The connect hook of the pool ends its own little transaction there as well.
    allowed = {"data/database.py"} | OWNERS_COMMITS
    found = {path: calls_of("commit", text) for path, text in sources(*ROOMS)}
    assert {path for path, lines in found.items() if lines} <= allowed
    assert calls_of("commit", "with unit() as session:\n    session.commit()") == [2]
    assert calls_of("commit", "# session.commit()\nwords = 'x.commit()'") == []


OWNERS_COMMITS: set[str] = set()
"""Bulk loads over the owner's connection that end their own transaction; each says why in its docstring."""


def test_a_scope_without_limits_is_made_by_the_word_of_the_database_only() -> None:
    # For a token the database resolves, or for a session that the schema's owner has opened there.
    allowed = {"data/scope.py", "api/tokens.py"}
    found = {path for path, text in sources(*ROOMS) if unlimited_scopes(text)}
    assert found <= allowed
    assert unlimited_scopes("Scope(token=t, everything=True)") == [1]
    assert unlimited_scopes("Scope(token=t)\nScope(token=t, everything=False)") == []


def test_the_systems_own_session_is_opened_by_the_command_line_and_the_worker_only() -> None:
    by_jobs_alone = re.compile(r"api/(worker|\w+/jobs|commands/\w+)\.py")
    assert {path for path in users_of("api.work") if not by_jobs_alone.fullmatch(path)} == set()
    assert users_of("api.tokens", calling="system_session") == {"api/work.py"}
    assert {path for path in users_of("api.tokens") - {"api/work.py"} if not path.startswith("api/commands/")} == set()


ALLOWED_OF_SQLALCHEMY = {"sqlalchemy.orm": {"Session"}, "sqlalchemy.exc": None}
"""In api: the type of a unit of work, and the exceptions. Nothing that builds or runs a statement."""


SPEAKING = ("execute", "executemany", "scalar_one", "exec_driver_sql", "scalars")


def test_only_data_speaks_sql() -> None:
    broken = []
    for path, text in sources("api", "web", "gis"):
        for module, names in imports_of(text):
            if not re.match(r"(sqlalchemy|psycopg|geoalchemy2)\b", module):
                continue
            allowed = ALLOWED_OF_SQLALCHEMY.get(module, set())
            if path.startswith("api/") and (allowed is None or (set(names) <= {*allowed, "Session as SqlSession"} and names)):
                continue
            broken.append(f"{path} imports {module}")
        broken += [f"{path} runs a statement on line {line}" for name in SPEAKING for line in calls_of(name, text)]
    assert broken == []
    assert calls_of("exec_driver_sql", "session.connection().exec_driver_sql('SELECT 1')") == [1]
    assert ("sqlalchemy", ("text",)) in imports_of("from sqlalchemy import text")


def test_the_time_zone_is_asked_for_once_in_a_question() -> None:
    files = [*(ROOT / "data/sql").glob("*.sql"), *(ROOT / "data/queries").glob("*.py")]
    # Without its own SELECT it is looked up for each row: a feed of some hours took fifteen seconds.
    assert [path.name for path in files if "AT TIME ZONE deployment_time_zone()" in path.read_text("utf-8")] == []


def test_every_route_has_an_actor_or_a_reason() -> None:
    assert all(PUBLIC.values())
    assert {each.name for each in VISITS} & set(PUBLIC), "the list of open doors is of this application"


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(WANGGE_[A-Z_]+)` \| `?([^|`]*)`? \|", text, re.MULTILINE))
    known = {f"WANGGE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(rows) == set(known)
    for name, field in known.items():
        default = "required" if field.is_required() else str(field.default)
        assert rows[name].strip() == default, name
        assert field.description and field.description in text, f"{name} is described otherwise in docs/settings.md"


def test_every_noun_stands_apart_from_the_others() -> None:
    nouns = sorted(path.parent.name for path in (ROOT / "api").glob("*/routes.py"))
    for path, text in sources("api"):
        noun = path.split("/")[1]
        if noun in nouns:
            others = {
                module
                for module, _ in imports_of(text)
                if re.match(rf"api\.({'|'.join(each for each in nouns if each != noun)})\b", module)
            }
            assert not others, f"{path} imports {others}"


def test_the_rooms_keep_their_arrows() -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_the_contracts_are_those_of_the_architecture() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {each["name"] for each in contracts} == {
        "rooms are layers", "gis is pure", "only data speaks SQL", "only api speaks HTTP", "only web draws", "use cases do not know HTTP",
    }  # fmt: skip


def test_settings_are_read_at_the_entrances_only() -> None:
    allowed = re.compile(
        r"api/(settings|main|worker|cluster|cluster_files|deployment|supervisor|postgis|postgis_install|owner|assets|managed|cli|commands/.*)\.py"
    )
    readers = {path for path, text in sources(*ROOMS) if re.search(r"os\.environ|os\.getenv|Settings\(\)", text)}
    assert not {path for path in readers if not allowed.fullmatch(path)}


@pytest.mark.parametrize("path", [path for path, _ in sources(*ROOMS)])
def test_every_file_says_why_it_exists(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{path} opens with a docstring of one sentence"


def test_every_method_names_its_reference_test_and_every_test_named_is_there() -> None:
    from api.commands.analyse import GROUPS  # noqa: PLC0415  only this promise needs the commands

    text = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8")
    table = text[text.index("## The reference test of each method") :].split("\n## ")[0]
    named = {
        row.split("|")[1].strip(" `"): re.findall(r"`([\w/]+\.py)::(test_\w+)`", row) for row in table.splitlines() if row.startswith("| `")
    }
    assert set(named) == {method for methods in GROUPS.values() for method in methods}
    for method, tests in named.items():
        assert tests, f"{method} names no test"
        for path, test in tests:
            assert f"\ndef {test}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), f"{path} has no {test}"
    for test in re.findall(r"(?:\w+\.py::|`)(test_\w+)`", text):
        found = [path for path in (ROOT / "tests").rglob("test_*.py") if f"\ndef {test}(" in path.read_text(encoding="utf-8")]
        assert found, f"docs/analysis.md names {test}, which is nowhere"


def shown_by(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(promise, its tests as file and name) of each row of a table of promises."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    return [(promise.strip(), re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)) for promise, tests in rows]


def test_every_promise_of_the_one_screen_names_tests_that_are_there() -> None:
    named = shown_by((ROOT / "docs" / "one-screen-tests.md").read_text(encoding="utf-8"))
    items = {int(found[1]) for promise, _ in named if (found := re.match(r"(\d+) ", promise))}
    assert items == set(range(1, 13)), "each item of the one screen has its rows"
    for promise, tests in named:
        assert tests, f"no test shows: {promise}"
        for path, test in tests:
            assert re.search(rf"^ *def {test}\(", (ROOT / "tests" / path).read_text(encoding="utf-8"), re.MULTILINE), (
                f"{path} has no {test}"
            )
    assert shown_by("| 1 a thing | by hand |") == [("1 a thing", [])]
