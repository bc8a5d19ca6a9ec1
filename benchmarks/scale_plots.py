"""Lines with bands on two logarithmic axes, as SVG: the plots of docs and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Point = tuple[float, float, float, float]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 92, 34, 40, 70
_SHORT = {"seconds": "s"}
COLOURS = ("#0b6e99", "#c4541a", "#4b7f2c", "#7a4ea3", "#8a6d00", "#555555")
# Names under the picture, in one line.
_NAMES_IN_LINE = 3


def draw(
    title: str,
    unit: str,
    lines: Mapping[str, Sequence[Point]],
    marks: Mapping[str, float],
    *,
    over: str = "workflows",
    ticks: Sequence[int] = (),
) -> str:
    """A picture of lines over the number of workflows, or of something else.

    Args:
        lines: By name: the number of workflows, the low end, the middle and the high end.
        marks: Heights that are a limit, by name.
        over: What is counted along.
        ticks: The numbers along; default: powers of ten. With them comes a dashed line through the
            first line's last point: what grows in proportion runs along it.
    """
    every = [point for points in lines.values() for point in points]
    left, right = min(p[0] for p in every), max(p[0] for p in every)
    heights = [value for point in every for value in point[1:] if value > 0] + list(marks.values())
    bottom = 10 ** math.floor(math.log10(min(heights)))
    top = 10 ** math.ceil(math.log10(max(heights)))

    height = HEIGHT + 18 * ((len(lines) - 1) // _NAMES_IN_LINE)

    def x(value: float) -> float:
        part = math.log(value / left) / math.log(right / left)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        part = math.log(max(value, bottom) / bottom) / math.log(top / bottom)
        return round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="sans-serif" font-size="12" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    powers = range(int(math.log10(left)), int(math.log10(right)) + 1)
    for number in ticks or [10**power for power in powers]:
        parts += _grid(x(number), TOP, x(number), HEIGHT - BOTTOM)
        parts.append(_label(x(number), HEIGHT - BOTTOM + 18, f"{number:,}", "middle"))
    parts.append(_label((LEFT + WIDTH) / 2, HEIGHT - BOTTOM + 34, over, "middle"))
    for power in range(round(math.log10(bottom)), round(math.log10(top)) + 1):
        parts += _grid(LEFT, y(10**power), WIDTH - RIGHT, y(10**power))
        parts.append(
            _label(LEFT - 6, y(10**power) + 4, f"{_number(power)} {_SHORT.get(unit, unit)}", "end")
        )
    if ticks:
        _, _, last, _ = next(iter(lines.values()))[-1]
        begin = max(left, right * bottom / last)
        parts.append(
            f'<line x1="{x(begin)}" y1="{y(last * begin / right)}" x2="{x(right)}" y2="{y(last)}" '
            'stroke="#999" stroke-dasharray="2 4"/>'
        )
    for name, mark in marks.items():
        parts.append(
            f'<line x1="{LEFT}" y1="{y(mark)}" x2="{WIDTH - RIGHT}" y2="{y(mark)}" '
            'stroke="#a00" stroke-dasharray="5 4"/>'
        )
        parts.append(_label(LEFT + 6, y(mark) - 4, name, "start", "#a00"))
    for (name, points), colour, at in zip(lines.items(), COLOURS, range(len(lines)), strict=False):
        edge = [(x(p[0]), y(p[1])) for p in points] + [(x(p[0]), y(p[3])) for p in points[::-1]]
        parts.append(f'<polygon points="{_path(edge)}" fill="{colour}" opacity="0.2"/>')
        middle = [(x(p[0]), y(p[2])) for p in points]
        parts.append(
            f'<polyline points="{_path(middle)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        row, place = divmod(at, _NAMES_IN_LINE)
        under = HEIGHT - 10 + 18 * row
        parts.append(_label(LEFT + 215 * place, under, f"— {name}", "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _number(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def _grid(x1: float, y1: float, x2: float, y2: float) -> list[str]:
    return [f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#e5e5e5"/>']


def _label(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
