"""Reliability plot as SVG text: observed rate against mean probability, with Wilson's intervals and counts."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from inference.training.statistics.calibration import Bin, Calibration

_SIDE, _LEFT, _TOP = 260, 48, 30  # of the square of the axes, in user units
_WIDTH, _HEIGHT = _LEFT + _SIDE + 14, _TOP + _SIDE + 44
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_svg(after: Calibration, before: Calibration | None = None, title: str = "Calibration") -> str:
    """Return a stand-alone SVG image.

    Parameters
    ----------
    after
        Filled circles with bars (Wilson, 95 %) and the number of cases.
    before
        Open circles, where there is something to compare with.
    """
    marks = [_open(each) for each in (before.bins if before else ())] + [_filled(each) for each in after.bins]
    if before:
        marks.append(_text(_LEFT + _SIDE - 6, _TOP + _SIDE - 8, "open: before", "end"))
    cases = sum(each.observed.total for each in after.bins)
    caption = f"{title}: ECE {after.error:.3f}, Brier {after.brier:.3f}, {cases} cases"
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    style = 'font-family="sans-serif" font-size="10" fill="#222222" stroke="none"'
    body = "\n".join([*_axes(), *marks])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n<title>{escape(caption)}</title>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n'
        f"{_text(_LEFT, 18, caption, 'start')}\n{body}\n</svg>\n"
    )


def _axes() -> Sequence[str]:
    end = _LEFT + _SIDE, _TOP + _SIDE
    grey = 'stroke="#999999" fill="none"'
    lines = [
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" {grey}/>',
        f'<line x1="{_LEFT}" y1="{end[1]}" x2="{end[0]}" y2="{_TOP}" {grey} stroke-dasharray="4 3"/>',
    ]
    for value in _TICKS:
        lines += [_text(_x(value), end[1] + 14, f"{value:g}"), _text(_LEFT - 5, _y(value) + 3, f"{value:g}", "end")]
    lines.append(_text(_x(0.5), end[1] + 32, "mean predicted probability"))
    turned = f'transform="translate(14 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle"'
    return [*lines, f"<text {turned}>observed rate</text>"]


def _filled(each: Bin) -> str:
    x, seen = _x(each.mean), each.observed
    bar = f'<line x1="{x:.1f}" y1="{_y(seen.low):.1f}" x2="{x:.1f}" y2="{_y(seen.high):.1f}" stroke="#1f5fa8"/>'
    dot = f'<circle cx="{x:.1f}" cy="{_y(seen.value):.1f}" r="4" fill="#1f5fa8"/>'
    hint = f"<title>{seen.hits} of {seen.total} at {each.mean:.3f}</title>"
    return f"<g>{hint}{bar}{dot}{_text(x, _y(seen.high) - 3, str(seen.total))}</g>"


def _open(each: Bin) -> str:
    return f'<circle cx="{_x(each.mean):.1f}" cy="{_y(each.observed.value):.1f}" r="3" fill="none" stroke="#b05a00"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _x(value: float) -> float:
    return _LEFT + _SIDE * value


def _y(value: float) -> float:
    return _TOP + _SIDE * (1 - value)
