"""Every text that a person or another system can write is the worst it can be, and every page shows it as text."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import openpyxl
import psycopg
import pyogrio
import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg import sql
from pypdf import PdfReader

from api import tokens
from api.analyses import maps
from api.cluster import Cluster
from api.work import Work
from data.sealing import Keyring, keyring
from tests.browser.conftest import Watched, _watch
from tests.browser.test_every_look import Look, look
from tests.conftest import Clone, cloned, serve
from tests.events import ask

__all__ = ["look"]
pytestmark = pytest.mark.browser

WORST = (
    "=1+1<img src=x onerror=alert(1)>\"><script>alert(2)</script><svg onload=alert(3)>'`{{79*791909}}${79*791909}"
    "</title></textarea></script> javascript:alert(4) \u202egnp.exe " + "W" * 500
)
SHORT = WORST[:199]
"""Where a text has a limit, its beginning."""
SPARED = {
    r"alembic_version\..*|procrastinate_.*|spatial_ref_sys\..*": "other programs' own",
    r"(idempotency|limit_hit|outbox|tile_change|neighbour_table|intake)\..*": "no page shows them",
    r"credential\.password_hash": "a hash",
    r"role_permission\..*|session\.kind|deployment\.key": "what the program itself grants and names",
    r"audit\..*": "a chain of hashes; what people write into it comes in by the routes",
    r"analysis(_piece)?\..*|schedule\.every|schedule_run\..*": "made by the program; the question is canonical JSON",
    r"plan\.state|plan_op\.kind|plan_grid\.kind|plan_proposal\.state|.*_lineage\.kind|plan_area\.class_code": "codes behind foreign keys or routes",
    r"incident_log\.(action|from_state|to_state)|incident_placement\..*|import_batch\..*|alert\.state": "the program's own words",
    r"scheme\.(code|code_pattern)|category_catalogue\.(code|version)": "codes by which the program finds its schemes and catalogues",
    r"category_rule\.(file_when|close_when|handling_unit|department)": "no page shows them yet",
}
"""Columns that are left as they are, with the reason; every other text of the schema is overwritten or refused by the database."""
UNIQUE = re.compile(r"\.(code|source_id|staff_number)$")
INJECTED = """() => [
    ...document.querySelectorAll("img[src='x'], svg[onload], [onerror], [onload], a[href^='javascript'], iframe, object, embed"),
    ...[...document.scripts].filter((each) => /alert\\(/.test(each.textContent) && !each.nonce),
].map((each) => each.outerHTML.slice(0, 200))"""
WIDE = """() => [document.documentElement, ...document.querySelectorAll(".card, dialog, .notice, #tip, #found, .bar, .sheet")]
    .filter((each) => each.checkVisibility())
    .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === "visible" || each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => `${each.id || each.className || each.localName} ${each.scrollWidth} > ${each.clientWidth}, ${Math.round(each.getBoundingClientRect().right)}`)"""
# A text that turns the reading round would turn what stands behind it, too.
TURNED = """() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(walk.currentNode.data)) found.push(walk.currentNode.parentElement.outerHTML.slice(0, 120));
    return found;
}"""
COLUMNS = """
SELECT c.table_name, c.column_name FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
 WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'text'
   AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = format('public.%I', table_name)::regclass)
 ORDER BY 1, 2
"""


class City:
    """A demo district all of whose texts are the worst, its server and who looks at it."""

    def __init__(self, clone: Clone, keys: Keyring) -> None:
        self.clone, self.keys, self.address = clone, keys, ""
        self.written: list[str] = []
        self.tokens = {role: tokens.bearer_token(clone.schema_url, role, None) for role in ("operator", "planner", "clerk", "analyst")}

    def ask(self, method: str, path: str, body: object = None, *, role: str = "planner") -> Any:
        """What the API answers."""
        status, found = ask(self.address, method, f"/api/v1{path}", body, token=self.tokens[role])
        assert status < 300, found
        return found

    def file(self, path: str) -> bytes:
        """A file as it leaves."""
        role = {"reports": "analyst", "plans": "planner"}.get(path.split("/")[1], "operator")
        request = Request(f"{self.address}/api/v1{path}", headers={"Authorization": f"Bearer {self.tokens[role]}"})
        with urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def one(self, statement: str) -> tuple[Any, ...]:
        """The first row of a query."""
        with self.clone.owner() as owner:
            row = owner.execute(statement).fetchone()  # type: ignore[call-overload]
        assert row
        return tuple(row)


@pytest.fixture(scope="module")
def city(cluster: Cluster, demo_template: str, data_dir: Path) -> Iterator[City]:
    """The district; what comes in by routes is written by them, all the rest in the database."""
    with cloned(cluster, demo_template, "worst") as clone:
        work = Work(clone.schema_url)
        made = maps.make(work, permutations=99)
        city = City(clone, keyring(data_dir))
        with serve(clone, data_dir) as city.address:
            said(city)
        with clone.owner() as owner:
            alarmed(owner, made)
            sealed(owner, city.keys)
            city.written = overwritten(owner)
        for permutations in (99, 199):  # of the names as they are now
            maps.make(work, permutations=permutations)
        work.close()
        with serve(clone, data_dir) as city.address:
            yield city


def said(city: City) -> None:
    """A plan with remarks and an incident with a history, through the routes that people use."""
    plan = city.ask("POST", "/plans", {"name": SHORT, "area": "990101001001", "note": SHORT})["id"]
    city.ask("POST", f"/plans/{plan}/snapshots", {"name": SHORT[:99]})
    place = city.one("SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(geom) AS p FROM area WHERE code = '990101001001') AS inside")
    city.ask("POST", f"/plans/{plan}/comments", {"body": SHORT, "place": [place[0], place[1]]})
    report = {
        "category_id": city.one("SELECT id FROM category WHERE parent_id IS NULL ORDER BY id LIMIT 1")[0],
        "lon": place[0],
        "lat": place[1],
    }
    told = city.ask("POST", "/incidents", report | {"title": SHORT, "address": SHORT}, role="operator")
    city.ask(
        "POST", f"/incidents/{told['id']}/actions", {"action": "supervise", "note": SHORT, "version": told["version"]}, role="operator"
    )
    city.ask("POST", "/schedules", {"name": SHORT, "question": {"method": "gi"}, "every": "week", "languages": ["zh"]}, role="analyst")


def alarmed(owner: psycopg.Connection, analysis: int) -> None:
    """An alert that rests on the map of hot spots, and one that somebody took in hand with a note."""
    for state, taken in (("open", None), ("acknowledged", "now()")):
        owner.execute(
            "INSERT INTO alert (state, category_id, analysis_id, first_analysis_id, rank, communities, raised_for, begins, last_seen_for,"
            " recurrence_days, looks, note, acknowledged_at) SELECT %s, (SELECT min(id) FROM category), %s, %s, 1, communities, '2026-01-02',"
            " '2026-01-01', '2026-01-02', 1000, 2, '', CASE WHEN %s::text IS NOT NULL THEN now() END FROM analysis WHERE id = %s",
            [state, analysis, analysis, taken, analysis],
        )


def sealed(owner: psycopg.Connection, keys: Keyring) -> None:
    """What is sealed of residents and officers, the worst as well."""
    for number, fields in owner.execute("SELECT id, sealed FROM resident ORDER BY id").fetchall()[:400]:
        worst = dict.fromkeys(keys.open_fields("resident.sealed", number, fields), WORST)
        owner.execute("UPDATE resident SET sealed = %s WHERE id = %s", [keys.seal_fields("resident.sealed", number, worst), number])


def overwritten(owner: psycopg.Connection) -> list[str]:
    """Write the worst into each text of the schema; the columns the database took it in."""
    taken = []
    for table, column in owner.execute(COLUMNS).fetchall():  # type: ignore[call-overload]
        name = f"{table}.{column}"
        if any(re.fullmatch(spared, name) for spared in SPARED):
            continue
        worst = sql.SQL("%s || ctid::text") if UNIQUE.search(name) else sql.SQL("%s")
        for text in (WORST, SHORT, SHORT[:60]):
            try:
                with owner.transaction():
                    owner.execute(sql.SQL("UPDATE {} SET {} = {}").format(sql.Identifier(table), sql.Identifier(column), worst), [text])
                    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
                taken.append(name)
                break
            except (psycopg.errors.CheckViolation, psycopg.errors.RaiseException, psycopg.errors.ForeignKeyViolation):
                continue
    owner.execute("UPDATE deployment SET value = to_jsonb(%s::text) WHERE key IN ('name', 'name_en', 'review_number')", [SHORT])
    owner.commit()
    return taken


@pytest.fixture
def seat(browser: Browser, city: City) -> Iterator[Any]:
    """`seat(role, width, height)` gives somebody's page; at the end nothing may have run or gone wrong on any."""
    opened: list[Watched] = []

    def make(role: str = "operator", width: int = 1366, height: int = 768) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        context.add_cookies([{"name": "wangge", "value": city.tokens[role], "url": city.address}])
        watched = Watched(context.new_page(), city.address)
        _watch(watched)
        opened.append(watched)
        return watched

    yield make
    for each in opened:
        each.page.context.close()
    assert [wrong for each in opened for wrong in each.wrong] == []


def harmless(page: Page) -> None:
    """Nothing was made of the texts but text, and they pushed nothing out of the window."""
    text = page.evaluate("() => document.body.textContent")
    assert page.evaluate(INJECTED) == []
    assert str(79 * 791909) not in text, "a template was worked out"
    assert page.evaluate(TURNED) == []
    assert page.evaluate(WIDE) == []


def hovered(page: Page, selector: str) -> None:
    """Point at each of some, and look at what is told beside it."""
    for each in page.locator(selector).all()[:12]:
        if each.is_visible():
            each.hover(force=True)
            harmless(page)


def test_every_text_of_the_schema_was_overwritten_or_stands_among_the_spared(city: City) -> None:
    with city.clone.owner() as owner:
        left = [f"{table}.{column}" for table, column in owner.execute(COLUMNS).fetchall()]  # type: ignore[call-overload]
    shown = {"area.name", "grid.name", "building.address", "facility.name", "officer.name", "incident.title", "incident_log.note", "household.unit",
             "category.name", "person.display_name", "plan.name", "plan_comment.body", "plan_snapshot.name", "alert.note", "schedule.name",
             "base_feature.name", "scheme.name", "incident.address", "building.use", "facility.kind", "incident.source", "assignment.why"}  # fmt: skip
    assert shown <= set(city.written)
    for spared in SPARED:
        assert any(re.fullmatch(spared, name) for name in left) or "procrastinate" in spared, f"{spared} spares nothing"


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_the_one_screen_and_its_drawers_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    watched = seat("operator", *size)
    page = watched.open(look.path("period=1y&layers=hotspots,incidents,facilities,officers&fill=assignment&ranked=grid"))
    page.wait_for_selector("#feed [data-incident]")
    harmless(page)
    if size[0] > 900:
        hovered(page, "[data-explain]")
    assert "<img src=x" in page.inner_text("#feed")
    assert "<img src=x" in page.inner_text("#ranking")
    for rows in ("period", "open", "on_duty", "hotspots", "alerts"):
        page.evaluate(
            "at => { history.pushState(null, '', at); dispatchEvent(new PopStateEvent('popstate')); }", look.path(f"period=1y&rows={rows}")
        )
        page.wait_for_selector(f"dialog[data-rows='{rows}']:not(:has(.skeleton))")
        harmless(page)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_cards_down_to_a_resident_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    grid, building, household, incident = city.one(
        "SELECT building.grid_id, building.id, household.id, (SELECT max(id) FROM incident WHERE grid_id IS NOT NULL) FROM resident"
        " JOIN household ON household.id = household_id JOIN building ON building.id = building_id WHERE building.grid_id IS NOT NULL"
        " AND EXISTS (SELECT FROM assignment WHERE assignment.grid_id = building.grid_id) ORDER BY resident.id LIMIT 1"
    )
    watched = seat("clerk", *size)
    for query, there in (
        (f"grid={grid}", "#detail .person"),
        (f"grid={grid}&building={building}", "#detail .homes li"),
        (f"grid={grid}&building={building}&household={household}", ".resident"),
        (f"incident={incident}", "#detail .history"),
    ):
        page = watched.open(look.path(query))
        page.wait_for_selector(there)
        page.wait_for_selector("#detail :not(.skeleton)")
        harmless(page)
        assert "<img src=x" in page.inner_text("#detail")
    page = watched.open(look.path(f"grid={grid}&building={building}&household={household}"))
    page.locator(".resident .tool").first.click()
    page.fill("dialog textarea", WORST[:190])
    page.locator("dialog footer .primary").click()
    page.wait_for_selector(".resident .clear")
    harmless(page)


def test_dispatch_and_its_notice_show_text(city: City, seat: Any, look: Look) -> None:
    watched = seat("operator")
    number = city.one("SELECT max(id) FROM incident WHERE state IN ('reported', 'filed') AND grid_id IS NOT NULL")[0]
    page = watched.open(look.path(f"incident={number}"))
    page.locator("#detail .hand").first.click()
    expect(page.locator('#notices [data-kind="undo"]')).to_be_visible()
    harmless(page)
    page.keyboard.press("Control+z")
    expect(page.locator('#notices [data-kind="said"]')).to_be_visible()
    harmless(page)


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_search_and_the_map_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    watched = seat("operator", *size)
    lon, lat = city.one("SELECT ST_X(geom), ST_Y(geom) FROM facility ORDER BY id LIMIT 1")
    page = watched.open(look.path(f"layers=incidents,facilities,officers&at={lon:.6f},{lat:.6f},18"))
    if size[0] > 900:
        page.wait_for_function("() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')")
        box = page.locator("#one_screen").bounding_box()
        assert box
        for away in (0, 40, 80):
            page.mouse.move(box["x"] + box["width"] / 2 + away, box["y"] + box["height"] / 2)
            page.wait_for_selector("#tip:not([hidden])")
            harmless(page)
    else:
        page.locator("button.find").click()
    for asked in ("img src", "WWWW", '"><script>'):
        page.locator("#search input").fill(asked)
        page.wait_for_selector("#found li")
        harmless(page)


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_plans_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    watched = seat("planner", *size)
    page = watched.page
    page.goto(f"{watched.address}/plans?lang={look.language}&theme={look.theme}")
    page.wait_for_selector("main [href^='/plans/']")
    harmless(page)
    plan = city.one("SELECT max(id) FROM plan")[0]
    for tab in ("plan", "changes", "issues", "impact", "comments", "history"):
        watched.open(f"/plans/{plan}?lang={look.language}&theme={look.theme}&tab={tab}")
        page.wait_for_function("() => !document.querySelector('.skeleton')")
        harmless(page)


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_reports_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    watched = seat("analyst", *size)
    page = watched.page
    page.goto(f"{watched.address}/reports?lang={look.language}&theme={look.theme}")
    page.wait_for_function("() => document.body.textContent.includes('<img src=x')")  # the name of what is asked each week
    harmless(page)
    page.goto(f"{watched.address}/reports/{city.one('SELECT max(id) FROM analysis')[0]}?lang={look.language}&theme={look.theme}")
    page.wait_for_selector("article, main")
    harmless(page)
    page.emulate_media(media="print")
    harmless(page)


@pytest.mark.parametrize("wall", ["1", "stay"])
def test_a_wall_shows_text(seat: Any, look: Look, wall: str) -> None:
    page = seat("operator", 1920, 1080).open(look.path(f"wall={wall}"))
    page.wait_for_selector("#feed [data-incident]")
    harmless(page)


@pytest.mark.parametrize(
    "path",
    ["/<img src=x onerror=alert(1)>", "/?lang=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&theme=%22onload=alert(1)&fill=<svg onload=alert(1)>",
     "/?area=<img src=x onerror=alert(1)>&grid={{7*7}}${7*7}&rows=javascript:alert(1)", "/sign-in?next=javascript:alert(1)",
     "/sign-in/link/" + "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E" + "a" * 20, "/reports/compared?a=<script>alert(1)</script>"],
)  # fmt: skip
def test_addresses_are_text(seat: Any, path: str) -> None:
    watched = seat("operator")
    watched.page.goto(watched.address + path)
    if watched.page.locator("#one_screen").count():
        watched.ready()
    harmless(watched.page)
    # Chromium writes the status of a page that is not there on its console.
    assert [wrong for wrong in watched.wrong if not re.search(r"status of 4\d\d", wrong)] == []
    watched.wrong.clear()


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_two_reports_side_by_side_show_text(city: City, seat: Any, look: Look, size: tuple[int, int]) -> None:
    watched = seat("analyst", *size)
    page = watched.page
    first, second = city.one("SELECT min(id), max(id) FROM analysis")
    page.goto(f"{watched.address}/reports/compared?first={first}&second={second}&lang={look.language}&theme={look.theme}")
    expect(page.locator("article")).to_contain_text("<img src=x")
    harmless(page)
    page.emulate_media(media="print")
    harmless(page)


def test_tables_that_leave_hold_no_formula(city: City) -> None:
    analysis = city.one("SELECT max(id) FROM analysis")[0]
    for path in ("/incidents.csv?open=true", f"/reports/{analysis}/files/units.csv", f"/reports/{analysis}/files/categories.csv"):
        text = city.file(path).decode("utf-8-sig")
        assert "img src=x" in text
        cells = re.findall(r'(?:^|,)(?:"((?:[^"]|"")*)"|([^",\r\n]*))', text, re.MULTILINE)
        begun = [quoted or plain for quoted, plain in cells]
        assert [cell for cell in begun if re.match(r"[=+@\t\r]|-(?!\d)", cell)] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_workbooks_that_leave_hold_no_formula_and_no_link(city: City, language: str) -> None:
    analysis = city.one("SELECT max(id) FROM analysis")[0]
    book = openpyxl.load_workbook(io.BytesIO(city.file(f"/reports/{analysis}/files/report.xlsx?language={language}")))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
    assert any("<img src=x" in str(cell.value) for cell in cells)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_paper_that_leaves_holds_text_and_no_act(city: City, language: str) -> None:
    analysis, plan = city.one("SELECT (SELECT max(id) FROM analysis), (SELECT max(id) FROM plan)")
    for path in (
        f"/reports/{analysis}/files/report.pdf",
        f"/reports/compared/report.pdf?first={analysis}&second={analysis}",
        f"/plans/{plan}/document.pdf",
    ):
        paper = PdfReader(io.BytesIO(city.file(f"{path}{'&' if '?' in path else '?'}language={language}")))
        text = "".join("".join(page.extract_text().split()) for page in paper.pages)
        assert "<imgsrc=x" in text, path
        assert str(79 * 791909) not in text
        assert {"/OpenAction", "/AA", "/AcroForm"} & set(paper.root_object) == set()
        acts = [each.get_object().get("/A", {}) for page in paper.pages for each in page.get("/Annots", [])]
        assert [act for act in acts if act.get("/S") not in (None, "/GoTo")] == []


@pytest.mark.parametrize("form", ["gpkg", "shp"])
def test_layers_that_leave_hold_what_was_written(city: City, form: str, tmp_path: Path) -> None:
    plan = city.one("SELECT max(id) FROM plan")[0]
    path = tmp_path / ("plan.gpkg" if form == "gpkg" else "plan.zip")
    path.write_bytes(city.file(f"/plans/{plan}/export?format={form}"))
    frame = pyogrio.read_dataframe(path, layer="grids")
    with city.clone.owner() as owner:
        named = dict(owner.execute("SELECT id, name FROM grid").fetchall())
    # A Shapefile cuts a text at 254 bytes.
    assert [name for id, name in zip(frame["id"], frame["name"], strict=True) if not named[id].startswith(name) or len(name) < 60] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_reports_layers_and_their_styles_open(city: City, language: str, tmp_path: Path) -> None:
    analysis = city.one("SELECT max(id) FROM analysis")[0]
    path = tmp_path / "report.gpkg"
    path.write_bytes(city.file(f"/reports/{analysis}/files/report.gpkg?language={language}"))
    assert any("<img src=x" in str(value) for value in pyogrio.read_dataframe(path, layer="units").to_numpy().ravel())
    styles = pyogrio.read_dataframe(path, layer="layer_styles")
    assert [ElementTree.fromstring(style).tag for style in styles["styleQML"]] == ["qgis"] * len(styles)
