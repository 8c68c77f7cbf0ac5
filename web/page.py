"""Page is the one frame all pages share: own head, own viewport, scripts that carry the nonce of the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from branca.element import Figure
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from web import bundled
from web.words import HTML_LANGUAGE, Language, word

Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("dark", "light")
COMMON_STYLES = tuple(f"/static/css/{name}.css" for name in ("tokens", "base", "components", "forms", "shell", "forced"))
"""What every page links first: sizes and colours, type, components, the shell around and over a page, the system's colours."""
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Signs that turn the direction of reading: a name must not make what stands beside it read backwards."""
_TEMPLATES = Environment(
    finalize=lambda value: type(value)(value.translate(_TURNING)) if isinstance(value, str) else value,
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ICON = "data:image/svg+xml," + quote((Path(__file__).parent / "static/img/icon.svg").read_text("utf-8").strip(), safe=" =:/\"'")
"""Inline: a request less for every page."""


@dataclass(frozen=True, slots=True)
class View:
    """How a page is to be read: language, theme, and the nonce that lets its own script run."""

    language: Language = "zh"
    theme: Theme = "dark"
    nonce: str = ""

    @property
    def html_language(self) -> str:
        """The language as the lang attribute spells it."""
        return HTML_LANGUAGE[self.language]

    @property
    def word(self) -> Callable[..., str]:
        """Words of the view's language, by key."""
        return lambda key, **facts: word(self.language, key, **facts)


class Page(Figure):
    """A Folium figure with our own document around it; its parts are added as Folium elements."""

    _template = _TEMPLATES.get_template("page.html")

    def __init__(self, view: View, *, name: str, title: str, styles: tuple[str, ...] = COMMON_STYLES, bundle: str | None = None) -> None:
        super().__init__(title=title)
        self.view = view
        self.page_name = name
        self.icon = _ICON
        self.styles = bundled.styles(bundle, styles) if bundle else styles
        self.module = bundled.module(bundle) if bundle else None
        # The stock meta elements come without a choice and forbid zooming on phones.
        self.header._children.clear()

    def part(self, of: Literal["header", "html", "script"]) -> Markup:
        """What the elements on this page wrote for one place of the document."""
        return Markup("\n".join(child.render() for child in getattr(self, of)._children.values()))


def filled(template: str, **facts: object) -> str:
    """Fill a template that is no page, such as a figure; every value is escaped unless the template says it is safe."""
    return _TEMPLATES.get_template(template).render(**facts)


def fill(template: str, view: View, **facts: object) -> Markup:
    """Fill one of our templates; every value is escaped unless it is markup already."""
    return Markup(_TEMPLATES.get_template(template).render(view=view, word=view.word, **facts))
