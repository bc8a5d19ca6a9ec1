"""Whether the figures of `make bench` are worse than the committed ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

sys.path.append(str(REPOSITORY / "benchmarks"))

from all import BEGIN, END, write_results
from figures import as_figures, better_of, compare, read_figures, times_worse, write_figures
from growth import slope
from measuring import Result
from scale_plots import draw


def row(what: str, ratio: str, *, peer: bool = False) -> Result:
    return Result("update", what, "1.0 s", ratio, peer=peer)


@pytest.mark.parametrize(
    ("old", "new", "is_worse"),
    [
        ("3.00x", "4.00x", False),
        ("3.00x", "4.01x", True),
        ("3.00x", "0.10x", False),
        ("40x faster", "30x faster", False),
        ("40x faster", "29x faster", True),
        ("1310x less CPU", "982x less CPU", True),
        ("1,310x less CPU", "5,000x less CPU", False),
        ("0.09 of an update", "0.13 of an update", True),
        ("0.00x", "0.00x", False),
        ("0.00x", "0.01x", True),
        ("slope 0.10", "slope 1.20", False),
        ("slope 0.90", "slope 1.40", True),
    ],
)
def test_a_figure_is_worse_by_more_than_a_third_of_its_ratio(
    old: str, new: str, is_worse: bool
) -> None:
    """More is worse of what we cost, less is worse of what we are faster by."""
    compared = compare(as_figures([row("all", old)]), [row("all", new)])
    line = f"update: all: {old}, now {new}"
    assert compared.worse == ({"update": [line]} if is_worse else {})


def test_what_is_gone_or_new_is_said_and_peers_and_seconds_are_not_compared() -> None:
    """Nor is anything said of the figures of a benchmark that was not run."""
    committed = as_figures([row("one", "1.0x"), row("two", "1.0x"), Result("lake", "x", "", "1x")])
    slow = Result("update", "three", "900 s")
    compared = compare(committed, [row("two", "1.1x"), row("four", "9x", peer=True), slow])
    assert (compared.worse, compared.gone, compared.new) == ({}, ["update: one"], [])
    compared = compare(committed, [row("two", "2.0x"), row("five", "9x")])
    assert compared.new == ["update: five"]
    assert compared.lines() == [
        "worse: update: two: 1.0x, now 2.0x",
        "gone:  update: one",
        "new:   update: five",
    ]


def test_what_is_measured_again_counts_as_it_was_when_it_was_better() -> None:
    """Others use the machine, too: what is worse once may have been disturbed."""
    first = [row("one", "3.0x"), row("two", "1.0x"), row("three", "9x faster"), row("four", "")]
    again = [row("one", "1.0x"), row("two", "2.0x"), row("three", "20x faster")]
    found = [each.ratio for each in better_of(first, again)]
    assert found == ["1.0x", "1.0x", "20x faster", ""]


def test_figures_of_quick_runs_and_of_other_benchmarks_stay_as_they_are(tmp_path: Path) -> None:
    """A run of one benchmark replaces all of its figures, and those of nothing else."""
    path = tmp_path / "figures.json"
    assert read_figures("full", path) == {}
    write_figures("full", [row("one", "1x"), Result("lake", "x", "2 s", "2x")], path)
    write_figures("quick", [row("one", "5x")], path)
    write_figures("full", [row("two", "3x")], path)
    assert read_figures("quick", path) == {"update": {"one": {"ratio": "5x", "value": "1.0 s"}}}
    assert read_figures("full", path) == {
        "lake": {"x": {"ratio": "2x", "value": "2 s"}},
        "update": {"two": {"ratio": "3x", "value": "1.0 s"}},
    }


def test_a_new_table_leaves_what_people_wrote_below_it(tmp_path: Path) -> None:
    """Sections by hand stay where they are."""
    path = tmp_path / "RESULTS.md"
    write_results("old", path)
    path.write_text(path.read_text() + "\n## By hand\n\nWords.\n")
    write_results("new", path)
    assert path.read_text() == f"# Figures\n\n{BEGIN}\nnew\n{END}\n\n## By hand\n\nWords.\n"


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([(10, 3.0), (100, 4.8), (1_000, 22.8)], 1.0),
        ([(10, 3.0), (100, 3.1), (1_000, 2.9)], 0.0),
        ([(5, 1.0), (10, 1.1), (100, 2.0), (1_000, 101.0)], 2.0),
    ],
)
def test_the_slope_is_that_of_what_comes_on_top(
    costs: list[tuple[int, float]], expected: float
) -> None:
    """A fixed cost hides no square, and chance is no growth."""
    assert slope(costs) == pytest.approx(expected, abs=0.1)


def test_a_picture_has_a_mark_for_each_size_and_a_line_for_each_cost() -> None:
    """And its own background, so that it is read on a dark page as well."""
    lines = {"a run": [(20, 1.0, 1.0, 1.0), (600, 9.0, 9.0, 9.0)]}
    picture = draw("Growth", "s CPU", lines, {}, over="columns", ticks=[20, 600])
    assert ">20<" in picture
    assert ">600<" in picture
    assert picture.count("<polyline") == 1
    assert 'fill="#ffffff"' in picture


def test_ratios_that_cannot_be_read_are_never_worse() -> None:
    """A row that had a ratio once and has none now is gone, not worse."""
    assert times_worse("", "3x") == times_worse("3x", "") == 1.0
    assert compare(as_figures([row("one", "1x")]), [row("one", "")]).gone == ["update: one"]
