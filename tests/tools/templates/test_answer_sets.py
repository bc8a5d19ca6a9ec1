"""Sets of answers: few of them, and every two choices come together."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.templates.answer_sets import Samples, answer_sets, read_samples, spread

CONFIG: dict[str, Any] = {
    "kind": {"choices": ["workflow", "project"]},
    "colour": {"type": "str", "choices": {"Red": "red", "Blue": "blue", "Green": "green"}},
    "big": {"type": "bool"},
    "shiny": {"type": "bool", "when": "{{ colour == 'red' }}"},
    "name": {"type": "str", "default": "x"},
    "hidden": {"type": "bool", "default": True, "when": False},
    "of_projects": {"type": "bool", "when": "{{ kind == 'project' }}"},
}


def test_every_two_choices_come_together() -> None:
    """Every pair of values of two questions of workflows is in one set; texts are left alone."""
    sets = answer_sets(CONFIG, Samples())
    values: dict[str, list[Any]] = {
        "colour": ["red", "blue", "green"],
        "big": [True, False],
        "shiny": [True, False],
    }
    for one, other in combinations(values, 2):
        wanted = {(a, b) for a in values[one] for b in values[other]}
        assert wanted <= {(s.get(one), s.get(other)) for s in sets.values()}
    assert {name for answers in sets.values() for name in answers} == set(values)
    assert len(sets) < 12
    assert sets["plain"] == {}


def test_samples_are_groups_of_their_own() -> None:
    """What a template's author writes down is tried with every choice of the other questions."""
    samples = Samples([[{"colour": "red", "name": "a"}, {"name": "b"}]], {"odd": {"name": "#"}})
    sets = answer_sets(CONFIG, samples)
    pairs = {(s.get("name"), s.get("big")) for s in sets.values()}
    assert {("a", True), ("a", False), ("b", True), ("b", False)} <= pairs
    assert sets["odd"] == {"name": "#"}
    assert not any(s.get("colour") == "blue" for s in sets.values())


def test_a_few_of_many_are_the_first_the_last_and_some_between() -> None:
    """What `--quick` leaves is spread over all."""
    assert spread(list(range(10)), 3) == [0, 4, 9]
    assert spread([1, 2], 5) == [1, 2]
    assert spread([1, 2], 0) == []


@pytest.mark.parametrize(
    "text", ["- 1\n", "together: [1]\n", "always: {a: 1}\n", "wrong: 1\n", "a: ["]
)
def test_a_wrong_samples_file_is_refused(tmp_path: Path, text: str) -> None:
    """It is refused by name, and with what it has to look like."""
    (tmp_path / "template-check.yml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"template-check\.yml"):
        read_samples(tmp_path)
