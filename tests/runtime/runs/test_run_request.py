"""What a run is asked to do, held against the job before it begins."""

from __future__ import annotations

import pytest

from dataflow.runs.run_request import (
    PartitionRange,
    RunRequestError,
    check_partition,
    described_partitions,
    merged,
)

DAYS = [f"2024-01-{day:02}" for day in range(1, 6)]
HOURS = [f"2024-01-{day:02}-{hour:02}:00" for day in (1, 2) for hour in range(24)]

AUTUMN = ["2024-10-27-01:00", "2024-10-27-02:00", "2024-10-27-02:00+0100", "2024-10-27-03:00"]


@pytest.mark.parametrize(
    ("asked", "known", "keys"),
    [
        (PartitionRange(), DAYS, DAYS),
        (PartitionRange(first="2024-01-03"), DAYS, DAYS[2:]),
        (PartitionRange(last="2024-01-03"), DAYS, DAYS[:3]),
        # In the workflow's order, whichever was named first; and each once.
        (PartitionRange(only=(DAYS[3], DAYS[1], DAYS[3])), DAYS, [DAYS[1], DAYS[3]]),
        # A time that is no key: from the next one on, and up to the last one before.
        (PartitionRange("2023", "2024-01-02"), DAYS, DAYS[:2]),
        (PartitionRange("2024-01-02", "2024-01-02"), HOURS, HOURS[24:]),
        # Written as clocks and calendars do, the hour that comes twice and midnight included.
        (PartitionRange("2024-01-02T22", "2024-01-02 23:00:00"), HOURS, HOURS[46:]),
        (PartitionRange("2024-10-27T02:00"), AUTUMN, AUTUMN[1:]),
        (PartitionRange("2024-01-03T00:00", "2024-01-04T12:00"), DAYS, DAYS[2:4]),
        # Values are no times: they have the order that they are written in.
        (PartitionRange("north", "east"), ["south", "north", "east", "west"], ["north", "east"]),
    ],
)
def test_partitions_are_named_by_key_or_by_time(
    asked: PartitionRange, known: list[str], keys: list[str]
) -> None:
    """From one to another, both included; or these alone."""
    assert asked.keys("sales", known) == keys


@pytest.mark.parametrize(
    ("asked", "known", "reason"),
    [
        (PartitionRange(), None, "'sales' has no partitions."),
        (PartitionRange(), [], "'sales' has no partitions yet."),
        (PartitionRange(only=("2024-02-01",)), DAYS, "no partition '2024-02-01'"),
        (PartitionRange(only=("2024-01",)), DAYS, "no partition '2024-01'"),
        (PartitionRange("nowhere"), ["north"], "no partition 'nowhere'"),
        (PartitionRange("2024-01-04", "2024-01-02"), DAYS, "from '2024-01-04' to '2024-01-02'"),
        (PartitionRange(last="2023"), DAYS, "no partition '2023'"),
        (PartitionRange(first="2023"), [], "no partition '2023'"),
        # They would stand elsewhere among the keys than the days that are meant.
        (PartitionRange("20240103"), DAYS, "no partition '20240103'"),
        (PartitionRange(last="2024-1-3"), DAYS, "no partition '2024-1-3'"),
    ],
)
def test_partitions_that_are_not_there_are_refused(
    asked: PartitionRange, known: list[str] | None, reason: str
) -> None:
    """By name, with what there is."""
    with pytest.raises(RunRequestError, match=reason):
        asked.keys("sales", known)


@pytest.mark.parametrize(
    ("key", "keys", "reason", "instruction"),
    [
        ("a", None, "has no partitions, and so no 'a'", "workflow.partition"),
        (None, ["a"], "is for one partition", "There are: a."),
        ("norht", ["south", "north"], "has no partition 'norht'", "Did you mean `north`?"),
        ("2024-10-27T02:00+01:00", AUTUMN, "has no part", f"Did you mean `{AUTUMN[2]}`?"),
        ("2023-01-02T01:00", HOURS, "has no part", "There are 48"),
    ],
)
def test_a_partition_and_its_job_have_to_fit(
    key: str | None, keys: list[str] | None, reason: str, instruction: str
) -> None:
    """One too many, one too few, one that is not there."""
    with pytest.raises(RunRequestError, match=reason) as refused:
        check_partition("sales_job", key, keys)
    said = refused.value.instruction
    assert instruction in said
    assert ("Did you mean" in said) is ("Did you mean" in instruction)


@pytest.mark.parametrize(("key", "keys"), [(None, None), ("a", ["b", "a"])])
def test_a_partition_that_fits_is_no_matter(key: str | None, keys: list[str] | None) -> None:
    """Nor is none, where there are none."""
    check_partition("sales_job", key, keys)


def test_few_partitions_are_listed_and_many_described() -> None:
    """So that a message stays one."""
    assert described_partitions([]) == "It has none yet."
    assert described_partitions(DAYS[:2]) == "There are: 2024-01-01, 2024-01-02."
    assert described_partitions(HOURS) == "There are 48, from 2024-01-01-00:00 to 2024-01-02-23:00."


def test_what_is_above_goes_before_what_is_below() -> None:
    """Key by key, and a mapping in place of a value as a whole."""
    below = {"ops": {"a": {"x": 1, "y": 2}, "b": 1}, "resources": 1}
    assert merged(below, {"ops": {"a": {"y": 3}, "b": {"z": 4}}}) == {
        "ops": {"a": {"x": 1, "y": 3}, "b": {"z": 4}},
        "resources": 1,
    }
    assert below["ops"] == {"a": {"x": 1, "y": 2}, "b": 1}
