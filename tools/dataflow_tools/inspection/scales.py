"""Scales of answers: from strongly disagree to strongly agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile


def _scales(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(answer.strip() for answer in scale.split(",")) for scale in text.split(";"))


# From the one end to the other. What is in none of them has no order that could be known.
_ATTITUDES = _scales("""
strongly disagree, disagree, somewhat disagree, slightly disagree, neutral,
    neither agree nor disagree, undecided, slightly agree, somewhat agree, agree, strongly agree;
very dissatisfied, dissatisfied, somewhat dissatisfied, neutral,
    neither satisfied nor dissatisfied, somewhat satisfied, satisfied, very satisfied;
very unlikely, unlikely, somewhat unlikely, neutral, neither likely nor unlikely, somewhat likely,
    likely, very likely;
not at all important, unimportant, slightly important, neutral, moderately important, important,
    very important, extremely important;
not at all, a little, slightly, somewhat, moderately, very, very much, extremely, a great deal;
much worse, worse, somewhat worse, about the same, the same, somewhat better, better, much better
""")
_OTHERS = _scales("""
never, rarely, seldom, sometimes, occasionally, often, usually, very often, always;
very poor, poor, fair, average, good, very good, excellent;
very bad, bad, neutral, good, very good;
none, low, medium, high, very high;
yes, maybe, not sure, no
""")
# No answer is an answer, which stands behind all others.
NO_ANSWER = frozenset(
    ("no answer", "don't know", "dont know", "prefer not to say", "not applicable", "n/a")
)


def scale_of(column: ColumnProfile) -> list[str]:
    """The answers of a column in the order of their scale; nothing if they have none."""
    answers = {value.strip().lower(): value for value in column.values}
    fitting = (scale for scale in (*_ATTITUDES, *_OTHERS) if _fits(column, scale))
    return [answers[one] for one in next(fitting, ()) if one in answers]


def tells_an_attitude(column: ColumnProfile) -> bool:
    """Whether the values of a column are what only people answer, such as that they agree."""
    return any(_fits(column, scale) for scale in _ATTITUDES)


def _fits(column: ColumnProfile, scale: tuple[str, ...]) -> bool:
    told = {value.strip().lower() for value in column.values} - NO_ANSWER
    return len(told) > 1 and told <= set(scale)
