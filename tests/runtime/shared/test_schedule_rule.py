"""Schedules are judged as Dagster's scheduler judges them."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo

import pytest
from dagster import DagsterInvalidDefinitionError, ScheduleDefinition
from dagster._time import get_timezone
from dagster._utils.schedules import is_valid_cron_schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.shared.schedule_rule import check_cron, check_timezone

number = st.integers(0, 63).map(str)
bound = number | st.just("*")
piece = st.builds(
    lambda low, high, step: low + (f"-{high}" if high else "") + (f"/{step}" if step else ""),
    bound | st.sampled_from(["L", "?", "mon", "JAN", "x", "-1", "02", "7#2"]),
    st.none() | number,
    st.none() | number,
)
cron_field = st.lists(piece, min_size=1, max_size=3).map(",".join)
cron = st.lists(cron_field, min_size=4, max_size=6).map(" ".join)
likely = st.tuples(
    st.sampled_from(["0", "*/5", "59", "60", "0-30"]),
    st.sampled_from(["*", "6", "23", "24", "1,2"]),
    st.sampled_from(["*", "29", "30", "31", "30,31", "30-30", "030", "1"]),
    st.sampled_from(["*", "2", "02", "2-2", "1,2", "12"]),
    st.sampled_from(["*", "1-5", "7", "8"]),
).map(" ".join)


def dagster_takes(expression: str) -> bool:
    try:
        return is_valid_cron_schedule(expression)
    except Exception:  # its parser raises many things on what is no cron
        return False


@pytest.mark.slow
@settings(max_examples=500)
@given(cron | likely | st.text(max_size=20))
def test_cron_is_judged_as_dagster_judges_it(expression: str) -> None:
    """Exactly what the scheduler takes is taken, also by the short way without Dagster."""
    assert (check_cron(expression) is None) == dagster_takes(expression)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 * *", "has 4 fields"),
        ("0 0 * * * *", "has 6 fields"),
        ("61 * * * *", "the minute is `61` and may be 0 to 59"),
        ("0 0 0 * *", "the day of the month is `0` and may be 1 to 31"),
        ("0 0 * 13 *", "the month is `13` and may be 1 to 12"),
        ("*/0 * * * *", "a step of 0 in the minute"),
        ("0 0 30 2 *", "a day that February never has"),
        ("@dayly", "not an alias"),
        ("0 0 * * funday", "the day of the week `funday` cannot be read"),
        ("", "is empty"),
    ],
)
def test_a_refused_cron_says_why(expression: str, words: str) -> None:
    """The reason names the field and what it may be."""
    assert words in (check_cron(expression) or "")


@pytest.mark.slow
@settings(max_examples=200)
@given(st.sampled_from(sorted(zoneinfo.available_timezones())) | st.text(max_size=20))
def test_time_zones_are_judged_as_dagster_judges_them(name: str) -> None:
    """Exactly the names that the scheduler can load are taken."""
    try:
        get_timezone(name)
    except Exception:  # it lets through whatever zoneinfo raises
        assert check_timezone(name) is not None
    else:
        assert check_timezone(name) is None


@pytest.mark.parametrize("name", ["", "Europe", "../UTC", "/etc/localtime", "a\0b", "x" * 5000])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    """Folders, paths and impossible names are refused, never raised on."""
    assert check_timezone(name)


def test_a_misspelt_time_zone_is_recognised() -> None:
    """The nearest known zone is offered."""
    assert "did you mean `Europe/Berlin`?" in (check_timezone("Europe/Berln") or "")


@pytest.mark.parametrize("expression", ["0 6 * * 1-5", "*/90 * * * *", "@daily", "0 0 L * *"])
def test_what_is_taken_makes_a_schedule(expression: str) -> None:
    """A checked schedule and zone can be given to Dagster, and a refused one cannot."""
    assert check_cron(expression) is None
    ScheduleDefinition(job_name="j", cron_schedule=expression, execution_timezone="Europe/Berlin")
    with pytest.raises(DagsterInvalidDefinitionError):
        ScheduleDefinition(job_name="j", cron_schedule="61 * * * *")


def test_a_simple_schedule_needs_no_dagster() -> None:
    """Numbers, ranges and steps are judged without the second that importing Dagster takes."""
    code = (
        "import sys; from dataflow.shared.schedule_rule import check_cron, check_timezone;"
        "assert check_cron('*/5 6-18 * * 1,2') is None and check_timezone('Asia/Tokyo') is None;"
        "assert 'dagster' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_dagster_a_hard_schedule_says_what_to_install() -> None:
    """Where Dagster is not installed, a cron beyond the simple ones asks for it."""
    code = (
        "import sys; sys.modules['dagster'] = None\n"
        "from dataflow.shared.errors import MissingDependencyError\n"
        "from dataflow.shared.schedule_rule import check_cron\n"
        "assert check_cron('0 6 * * *') is None\n"
        "try: check_cron('0 6 * * mon')\n"
        "except MissingDependencyError as error: assert 'pip install' in str(error)\n"
        "else: raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
