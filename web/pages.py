"""One function a page: what a service answered goes in, a whole HTML document comes out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from branca.element import Element

from web import bundled
from web.layers.basemap import BaseMapLayer, PlainBaseMapLayer
from web.layers.facilities import FacilityLayer
from web.layers.ground import GroundLayer
from web.layers.hotspots import HotSpotLayer
from web.layers.incidents import IncidentLayer
from web.layers.labels import LabelLayer
from web.layers.officers import OfficerLayer
from web.layers.today import TodayLayer
from web.map import EDITOR, MAP_MODULE, REPORT, SCREEN, Behaviour, Bounds, DistrictMap, PlanMap, ReportMap
from web.page import COMMON_STYLES, Page, View, fill
from web.paper.document import Document, kind_of
from web.telling import NUMBERS

LAYERS = (BaseMapLayer, GroundLayer, HotSpotLayer, IncidentLayer, FacilityLayer, OfficerLayer, LabelLayer)
EDITOR_LAYERS = (BaseMapLayer, TodayLayer)
ONE_SCREEN_MODULE, PLAIN_MODULE = "/static/js/one_screen.js", "/static/js/plain.js"
EDITOR_MODULE, PLANS_MODULE = "/static/js/editor.js", "/static/js/plans.js"
DESIGN_MODULE = "/static/js/design.js"
SCREEN_STYLES = (
    "/static/vendor/leaflet.css",
    *COMMON_STYLES,
    *(f"/static/css/{name}.css" for name in ("one_screen", "panels", "hours", "map", "controls", "detail", "dispatch", "phone", "wall")),
)
PLAIN = "plain"
PLAIN_STYLES = (*COMMON_STYLES, "/static/css/plain.css")
EDITOR_STYLES = (
    "/static/vendor/leaflet.css",
    *COMMON_STYLES,
    *(f"/static/css/{name}.css" for name in ("editor", "controls", "editor_panels", "editor_dialogs", "editor_phone")),
)
PLANS = "plans"
PLANS_STYLES = (*COMMON_STYLES, "/static/css/plans.css")
REPORTS = "reports"
READING = "reading"
REPORTS_MODULE, REPORT_MODULE, READING_MODULE = "/static/js/reports.js", "/static/js/report.js", "/static/js/reading.js"
REPORTS_STYLES = (*COMMON_STYLES, "/static/css/reports.css")
REPORT_STYLES = ("/static/vendor/leaflet.css", *COMMON_STYLES, "/static/css/controls.css", "/static/css/report.css")
REPORT_LAYERS = (PlainBaseMapLayer,)
DESIGN = "design"
DESIGN_STYLES = (*COMMON_STYLES, "/static/css/design.css")
REFERENCE = "reference"
REFERENCE_STYLES = (*COMMON_STYLES, "/static/vendor/swagger-ui.css", "/static/css/reference.css")
BUNDLES = {
    SCREEN: ((MAP_MODULE, *(layer.module for layer in LAYERS), ONE_SCREEN_MODULE), SCREEN_STYLES),
    EDITOR: ((MAP_MODULE, *(layer.module for layer in EDITOR_LAYERS), EDITOR_MODULE), EDITOR_STYLES),
    PLANS: ((PLANS_MODULE,), PLANS_STYLES),
    PLAIN: ((PLAIN_MODULE,), PLAIN_STYLES),
    REPORTS: ((REPORTS_MODULE,), REPORTS_STYLES),
    READING: ((READING_MODULE,), REPORT_STYLES),
    REPORT: ((MAP_MODULE, *(layer.module for layer in REPORT_LAYERS), REPORT_MODULE), REPORT_STYLES),
    DESIGN: ((DESIGN_MODULE,), DESIGN_STYLES),
    REFERENCE: ((PLAIN_MODULE,), REFERENCE_STYLES),
}
"""What a kind of page is made of: the modules it begins with, and its style sheets."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The district a page is about; `bounds` in degrees of EPSG:4490."""

    name: str
    bounds: Bounds
    time_zone: str = "Asia/Shanghai"
    review_number: str = ""


def one_screen(view: View, ground: Ground) -> str:
    """The whole district in one look."""
    page = Page(view, name="one-screen", title=f"{ground.name} · {view.word('title')}", styles=SCREEN_STYLES, bundle=SCREEN)
    page.html.add_child(_Literal(fill("one_screen.html", view, ground=ground)), name="panels")
    district = DistrictMap("one_screen", bounds=ground.bounds)
    for layer in LAYERS:
        district.add_child(layer())
    district.add_child(Behaviour(ONE_SCREEN_MODULE, timeZone=ground.time_zone))
    page.add_child(district)
    return str(page.render())


def plans(view: View, ground: Ground) -> str:
    """The plans one may see, and the way to a new one."""
    return _office(view, ground, name=PLANS, title="plans.title", module=PLANS_MODULE, styles=PLANS_STYLES)


def reports(view: View, ground: Ground) -> str:
    """Analyses and their reports, and the form to ask for one."""
    return _office(view, ground, name=REPORTS, title="reports.title", module=REPORTS_MODULE, styles=REPORTS_STYLES)


def report(view: View, ground: Ground, document: Document, analysis_id: int) -> str:
    """A report of one analysis: its document with a live map in place of the drawn one."""
    drawn = any(figure.key == "map" for figure in document.figures())
    page = _report(view, ground, document.title, document=document, analysis_id=analysis_id, other=None, drawn=drawn)
    if drawn:
        district = ReportMap("report_map", bounds=ground.bounds)
        for layer in REPORT_LAYERS:
            district.add_child(layer(bundle=REPORT))
        district.add_child(Behaviour(REPORT_MODULE, bundle=REPORT, analysis=analysis_id))
        page.add_child(district)
    else:
        _begin(page, {"timeZone": ground.time_zone})
    return str(page.render())


def reports_compared(view: View, ground: Ground, document: Document, ids: tuple[int, int]) -> str:
    """Two analyses side by side."""
    page = _report(view, ground, document.title, document=document, analysis_id=ids[0], other=ids[1], drawn=False)
    _begin(page, {"timeZone": ground.time_zone})
    return str(page.render())


def report_waiting(view: View, ground: Ground, analysis: Mapping[str, Any]) -> str:
    """An analysis that has no result yet, or never will: how far it is, or why."""
    page = _report(view, ground, view.word("reports.one"), document=None, analysis_id=analysis["id"], other=None, drawn=False)
    _begin(page, {"waiting": analysis["id"], "timeZone": ground.time_zone})
    return str(page.render())


def _report(view: View, ground: Ground, title: str, **facts: object) -> Page:
    bundle = REPORT if facts["drawn"] else READING
    page = Page(view, name="report", title=f"{title} · {ground.name}", styles=REPORT_STYLES, bundle=bundle)
    page.html.add_child(_Literal(fill("report.html", view, ground=ground, kind_of=kind_of, numbers=NUMBERS, **facts)), name="report")
    return page


def _begin(page: Page, config: Mapping[str, object]) -> None:
    """Start a page without a map: the modules of maps need Leaflet."""
    statement = f"{bundled.importing(READING, READING_MODULE, 'start', 'start')}\nstart({json.dumps(config)});"
    page.script.add_child(_Literal(statement), name="report")


def design(view: View, ground: Ground) -> str:
    """Every component in every state, for those who build a page."""
    return _office(view, ground, name=DESIGN, title="design.title", module=DESIGN_MODULE, styles=DESIGN_STYLES)


def editor(view: View, ground: Ground, plan_id: int) -> str:
    """The boundary editor on one plan."""
    page = Page(view, name="editor", title=f"{view.word('plans.one')} {plan_id} · {ground.name}", styles=EDITOR_STYLES, bundle=EDITOR)
    page.html.add_child(_Literal(fill("editor.html", view, ground=ground)), name="editor")
    drawn = PlanMap("ground_under_edit", bounds=ground.bounds)
    for layer in EDITOR_LAYERS:
        drawn.add_child(layer(bundle=EDITOR))
    drawn.add_child(Behaviour(EDITOR_MODULE, bundle=EDITOR, plan=plan_id, timeZone=ground.time_zone))
    page.add_child(drawn)
    return str(page.render())


def sign_in(view: View, *, next_url: str = "/", refused: str | None = None) -> str:
    """Name, password and, where it is switched on, a one-time code."""
    page = _plain(view, "sign-in", view.word("sign_in.title"), "sign_in.html", next_url=next_url, refused=refused)
    return str(page.render())


def sign_in_link(view: View, *, token: str) -> str:
    """Asks before it uses a one-time link, so that a preview of the link does not use it up."""
    return str(_plain(view, "sign-in", view.word("sign_in.title"), "sign_in_link.html", token=token).render())


def problem(view: View, status: int, *, reference: str = "") -> str:
    """A page for an address nobody has, may not see, or where something broke."""
    # Any other no is about the address: a page is only ever asked for.
    known = status if status in (403, 404, 500, 503) else 404 if status < 500 else 500
    title = view.word(f"problem.{known}.title")
    # Whoever may not see a page is signed in, and may want to come back as somebody else.
    return str(_plain(view, "problem", title, "problem.html", signed_in=known == 403, status=known, reference=reference).render())


def api_reference(view: View, *, openapi_url: str) -> str:
    """The reference of the API, from vendored files."""
    page = Page(view, name=REFERENCE, title=view.word("reference.title"), styles=REFERENCE_STYLES, bundle=REFERENCE)
    page.html.add_child(_Literal(fill("reference.html", view)), name=REFERENCE)
    page.script.add_child(_Literal(_start_plain(REFERENCE, signed_in=True)), name="tools")
    page.script.add_child(_Literal(fill("reference.js", view, openapi_url=openapi_url)), name=REFERENCE)
    return str(page.render())


def _office(view: View, ground: Ground, *, name: str, title: str, module: str, styles: tuple[str, ...]) -> str:
    """A page without a map: its template and its bundle have its name."""
    page = Page(view, name=name, title=f"{ground.name} · {view.word(title)}", styles=styles, bundle=name)
    page.html.add_child(_Literal(fill(f"{name}.html", view, ground=ground)), name=name)
    config = json.dumps({"timeZone": ground.time_zone})
    page.script.add_child(_Literal(f"{bundled.importing(name, module, 'start', 'start')}\nstart({config});"), name=name)
    return str(page.render())


def _plain(view: View, name: str, title: str, template: str, *, signed_in: bool = False, **facts: object) -> Page:
    page = Page(view, name=name, title=title, styles=PLAIN_STYLES, bundle=PLAIN)
    page.html.add_child(_Literal(fill(template, view, **facts)), name=name)
    page.script.add_child(_Literal(_start_plain(PLAIN, signed_in=signed_in)), name=name)
    return page


def _start_plain(bundle: str, *, signed_in: bool) -> str:
    config = json.dumps({"signedIn": signed_in})
    return f"{bundled.importing(bundle, PLAIN_MODULE, 'start', 'start')}\nstart({config});"


class _Literal(Element):
    """Markup as it is: Folium would read an element's text as a template once more."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = str(markup)

    def render(self, **kwargs: object) -> str:
        return self.markup
