"""One function a page: what a service answered goes in, a whole HTML document comes out."""

import json
from dataclasses import dataclass

from branca.element import Element

from web import bundled
from web.layers.basemap import BaseMapLayer
from web.layers.facilities import FacilityLayer
from web.layers.ground import GroundLayer
from web.layers.hotspots import HotSpotLayer
from web.layers.incidents import IncidentLayer
from web.layers.labels import LabelLayer
from web.layers.officers import OfficerLayer
from web.layers.today import TodayLayer
from web.map import EDITOR, MAP_MODULE, SCREEN, Behaviour, Bounds, DistrictMap, PlanMap
from web.page import COMMON_STYLES, Page, View, fill

LAYERS = (BaseMapLayer, GroundLayer, HotSpotLayer, IncidentLayer, FacilityLayer, OfficerLayer, LabelLayer)
EDITOR_LAYERS = (BaseMapLayer, TodayLayer)
ONE_SCREEN_MODULE, PLAIN_MODULE = "/static/js/one_screen.js", "/static/js/plain.js"
EDITOR_MODULE, PLANS_MODULE = "/static/js/editor.js", "/static/js/plans.js"
DESIGN_MODULE = "/static/js/design.js"
SCREEN_STYLES = (
    "/static/vendor/leaflet.css",
    *COMMON_STYLES,
    *(f"/static/css/{name}.css" for name in ("one_screen", "panels", "hours", "map", "detail", "dispatch", "phone", "wall")),
)
PLAIN = "plain"
PLAIN_STYLES = (*COMMON_STYLES, "/static/css/plain.css")
EDITOR_STYLES = (
    "/static/vendor/leaflet.css",
    *COMMON_STYLES,
    *(f"/static/css/{name}.css" for name in ("editor", "editor_panels", "editor_phone")),
)
PLANS = "plans"
PLANS_STYLES = (*COMMON_STYLES, "/static/css/plans.css")
DESIGN = "design"
DESIGN_STYLES = (*COMMON_STYLES, "/static/css/design.css")
BUNDLES = {
    SCREEN: ((MAP_MODULE, *(layer.module for layer in LAYERS), ONE_SCREEN_MODULE), SCREEN_STYLES),
    EDITOR: ((MAP_MODULE, *(layer.module for layer in EDITOR_LAYERS), EDITOR_MODULE), EDITOR_STYLES),
    PLANS: ((PLANS_MODULE,), PLANS_STYLES),
    PLAIN: ((PLAIN_MODULE,), PLAIN_STYLES),
    DESIGN: ((DESIGN_MODULE,), DESIGN_STYLES),
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
    known = status if status in (403, 404, 500, 503) else 500
    return str(_plain(view, "problem", view.word(f"problem.{known}.title"), "problem.html", status=known, reference=reference).render())


def api_reference(view: View, *, openapi_url: str) -> str:
    """The reference of the API, from vendored files."""
    page = Page(view, name="reference", title=view.word("reference.title"), styles=(*COMMON_STYLES, "/static/vendor/swagger-ui.css"))
    page.html.add_child(_Literal(fill("reference.html", view)), name="reference")
    page.script.add_child(_Literal(fill("reference.js", view, openapi_url=openapi_url)), name="reference")
    return str(page.render())


def _office(view: View, ground: Ground, *, name: str, title: str, module: str, styles: tuple[str, ...]) -> str:
    """A page without a map: its template and its bundle have its name."""
    page = Page(view, name=name, title=f"{ground.name} · {view.word(title)}", styles=styles, bundle=name)
    page.html.add_child(_Literal(fill(f"{name}.html", view, ground=ground)), name=name)
    config = json.dumps({"timeZone": ground.time_zone})
    page.script.add_child(_Literal(f"{bundled.importing(name, module, 'start', 'start')}\nstart({config});"), name=name)
    return str(page.render())


def _plain(view: View, name: str, title: str, template: str, **facts: object) -> Page:
    page = Page(view, name=name, title=title, styles=PLAIN_STYLES, bundle=PLAIN)
    page.html.add_child(_Literal(fill(template, view, **facts)), name=name)
    page.script.add_child(_Literal(f"{bundled.importing(PLAIN, PLAIN_MODULE, 'start', 'start')}\nstart();"), name=name)
    return page


class _Literal(Element):
    """Markup as it is: Folium would read an element's text as a template once more."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = str(markup)

    def render(self, **kwargs: object) -> str:
        return self.markup
