"""Bars over time with lines beside them: counts by day, week, month or hour, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.figures.styles import attributes
from web.page import filled

WIDTH = 680.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 12.0, 20.0
LABELS = 9
"""At most so many words below the bars."""
Line = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars with a label each; `lines` are (style, values, key). A value of None is held back or not known: no bar stands there."""

    labels: Sequence[str]
    values: Line
    title: str
    key: str
    lines: Sequence[tuple[str, Line, str]] = ()
    height: float = 170.0
    note: str = ""

    def svg(self) -> str:
        """The drawing."""
        top = _round_up(
            max([each for each in (*self.values, *(each for _, line, _ in self.lines for each in line)) if each is not None], default=1)
        )
        step = (WIDTH - LEFT - RIGHT) / max(1, len(self.values))
        floor, room = self.height - BOTTOM, self.height - BOTTOM - TOP
        every = -(-len(self.labels) // LABELS)
        return filled(
            "figures/bars.svg",
            title=self.title, width=f"{WIDTH:g}", height=f"{self.height:g}", whole=f"{self.height + 22:g}", floor=f"{floor:g}",
            left=f"{LEFT:g}", right=f"{WIDTH - RIGHT:g}", bar=attributes("bar"),
            bars=[
                {"x": f"{LEFT + at * step + step * 0.1:.1f}", "y": f"{floor - room * each / top:.1f}", "w": f"{step * 0.8:.2f}",
                 "h": f"{room * each / top:.1f}"}
                for at, each in enumerate(self.values) if each
            ],
            labels=[
                {"x": f"{LEFT + (at + 0.5) * step:.1f}", "text": text} for at, text in enumerate(self.labels) if at % every == 0
            ],
            ticks=[{"y": f"{floor - room * share:.1f}", "text": _short(top * share, top)} for share in (0, 0.25, 0.5, 0.75, 1)],
            lines=[
                {"style": attributes(style), "name": style, "d": _path(line, step, floor, room / top)} for style, line, _ in self.lines
            ],
            key=[
                {"x": f"{LEFT + at * 200:g}", "text": text, "style": attributes(style), "name": style, "line": style != "bar"}
                for at, (style, text) in enumerate([("bar", self.key), *((style, text) for style, _, text in self.lines)])
            ],
            key_y=f"{self.height + 12:g}",
        )  # fmt: skip


def _path(line: Line, step: float, floor: float, scale: float) -> str:
    parts, drawing = [], False
    for at, value in enumerate(line):
        if value is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{LEFT + (at + 0.5) * step:.1f} {floor - scale * value:.1f}")
        drawing = True
    return "".join(parts)


def _short(value: float, top: float) -> str:
    return f"{value:,.0f}" if top >= 4 else f"{value:g}"


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten, so that quarters of it are short numbers."""
    power = 1.0
    while power * 8 < value:
        power *= 10
    return next((each * power for each in (1, 2, 4, 8) if each * power >= value), 8 * power)
