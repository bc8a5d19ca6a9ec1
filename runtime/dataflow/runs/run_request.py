"""What a run is asked to do: run config and a partition, checked against the job beforehand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.runs.run_part import is_on_what_is_loaded
from dataflow.shared.errors import BadInputError
from dataflow.shared.redaction import redact
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.suggestion import as_sentence, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dagster import DagsterInstance, JobDefinition

_KEYS_SHOWN = 10
_KEYS_COMPARED = 1000


class RunRequestError(BadInputError):
    """Run config or a partition does not fit the job."""


@dataclass(frozen=True)
class RunRequest:
    """How a workflow is to be run.

    Args:
        config: Dagster's run config, such as ``{"ops": {"extract": {"config": {...}}}}``.
        partition: The key of the partition that a partitioned job is to run for.
        tags: Tags of the run, beside the partition's.
    """

    config: dict[str, Any] = field(default_factory=dict)
    partition: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


def resolved_config(
    job: JobDefinition, request: RunRequest, instance: DagsterInstance
) -> tuple[dict[str, Any], dict[str, str]]:
    """The whole run config, and all tags.

    What is asked for goes before the partition's own config, and that before the job's.

    Raises:
        RunRequestError: The job has no partitions, or none of that key, or needs one; or the
            config does not fit: every fault is named.
    """
    # Of what has been loaded a part is made as a whole.
    is_part = is_on_what_is_loaded(request.tags)
    tags = {} if is_part else _partition_tags(job, request.partition, instance)
    config: dict[str, Any] = dict(job.run_config or {})
    if request.partition is not None:
        config = merged(config, job.get_run_config_for_partition_key(request.partition))
    config = merged(config, request.config)
    _check_config(job, config)
    return config, {**tags, **request.tags}


def check_partition(job_name: str, key: str | None, keys: Sequence[str] | None) -> None:
    """Refuse a partition that a job does not have, or none where it needs one.

    Args:
        keys: Those that it has; None if it is not partitioned.

    Raises:
        RunRequestError: The error lists or describes the keys.
    """
    if keys is None:
        if key is not None:
            raise RunRequestError(
                f"The job {job_name!r} has no partitions, and so no {quoted(key)}.",
                "Leave the partition out, or add `workflow.partition` to config.yaml (a job of "
                "your own may have a `partitions_def` instead).",
            )
    elif key is None:
        raise RunRequestError(
            f"The job {job_name!r} is partitioned, and a run of it is for one partition.",
            f"Name one: --partition KEY, or `partition` over the API. {described_partitions(keys)}",
        )
    elif key not in keys:
        raise RunRequestError(
            f"The job {job_name!r} has no partition {quoted(key)}.",
            f"{_meant(key, keys)} {described_partitions(keys)}".strip(),
        )


def _partition_tags(
    job: JobDefinition, key: str | None, instance: DagsterInstance
) -> dict[str, str]:
    partitions = job.partitions_def
    keys = None
    if partitions is not None:
        keys = partitions.get_partition_keys(dynamic_partitions_store=instance)
    check_partition(job.name, key, keys)
    return dict(job.get_tags_for_partition_key(key, None)) if key is not None else {}


@dataclass(frozen=True)
class PartitionRange:
    """Some of a workflow's partitions: by their keys, or from one to another.

    Args:
        first: The first of them, or the time at which it begins; empty for the first there is.
        last: The last of them, likewise.
        only: These and no others.
    """

    first: str = ""
    last: str = ""
    only: Sequence[str] = ()

    def keys(self, workflow_id: str, known: Sequence[str] | None) -> list[str]:
        """The keys that are meant, in order.

        Args:
            known: All that the workflow has, in order; None if it has no partitions.

        Raises:
            RunRequestError: There are none, or not all of them.

        >>> PartitionRange("2024-01-02", "2024-01").keys("x", ["2024-01-01", "2024-01-02"])
        ['2024-01-02']
        """
        if known is None:
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no partitions.",
                "Say by what in `workflow.partition` of config.yaml, such as "
                "{by: day, start: 2024-01-01, column: day}.",
            )
        for key in self.only:
            _position(known, key, at_end=False, exactly=True)
        if self.only:
            return [key for key in known if key in set(self.only)]
        start = _position(known, self.first, at_end=False) if self.first else 0
        end = _position(known, self.last, at_end=True) + 1 if self.last else len(known)
        if start >= end:
            ends = [quoted(self.first or known[0]), quoted(self.last or known[-1])] if known else []
            between = f"from {ends[0]} to {ends[1]}" if ends else "yet"
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no partitions {between}.",
                described_partitions(known),
            )
        return list(known[start:end])


def _position(keys: Sequence[str], wanted: str, *, at_end: bool, exactly: bool = False) -> int:
    """Where a key stands; of a time the first partition from it on, or the last one up to it."""
    if wanted in keys:
        return keys.index(wanted)
    time = _as_key(wanted, keys) if not exactly else ""
    if time:
        # Keys of times are in the order of their texts, and an hour's begins with its day.
        if at_end:
            found = [n for n, key in enumerate(keys) if key <= time or key.startswith(time)]
        else:
            found = [n for n, key in enumerate(keys) if key >= time]
        if found:
            return found[-1 if at_end else 0]
    raise RunRequestError(
        f"There is no partition {quoted(wanted)}.",
        f"{_meant(wanted, keys)} {described_partitions(keys)}".strip(),
    )


def _as_key(wanted: str, keys: Sequence[str]) -> str:
    """A time as keys have it, so that texts can be compared; empty where they cannot be."""
    if not keys or not wanted[:4].isdigit() or list(keys) != sorted(keys):
        return ""
    shape = _shape(keys[0])
    if time := re.fullmatch(r"(\d{4}-\d\d-\d\d)[T -](\d\d(?::\d\d)?)(?::00)?", wanted):
        day, hour = time.groups()
        wanted = f"{day}-{hour}"
        if shape == _shape(day) and hour in ("00", "00:00"):
            wanted = day
    written = _shape(wanted)
    # `20240901` or `2024-9-1` would stand elsewhere among them than the day that is meant.
    return wanted if shape.startswith(written) or written.startswith(shape) else ""


def _shape(text: str) -> str:
    return re.sub(r"\d", "0", text)


def _meant(key: str, keys: Sequence[str]) -> str:
    """The key that a person meant who wrote a time another way, or mistyped; empty if unknown."""
    digits = re.sub(r"\D", "", key)
    same = [each for each in keys if len(digits) > 5 and re.sub(r"\D", "", each) == digits]
    # Of thousands of hours the one that looks most alike may be years away.
    near = [each for each in keys if not key[:4].isdigit() or each[:4] == key[:4]]
    if same:
        return f"Did you mean `{same[-1]}`?"
    return as_sentence(did_you_mean(key, near)) if len(near) <= _KEYS_COMPARED else ""


def described_partitions(keys: Sequence[str]) -> str:
    """A sentence about which partitions there are."""
    if not keys:
        return "It has none yet."
    if len(keys) <= _KEYS_SHOWN:
        return f"There are: {', '.join(map(shortened, keys))}."
    return f"There are {len(keys):,}, from {shortened(keys[0])} to {shortened(keys[-1])}."


def _check_config(job: JobDefinition, config: dict[str, Any]) -> None:
    from dagster import DagsterInvalidConfigError
    from dagster._core.system_config.objects import ResolvedRunConfig

    try:
        ResolvedRunConfig.build(job, config)
    except DagsterInvalidConfigError as error:
        faults = [redact(" ".join(fault.message.split())) for fault in error.errors]
        raise RunRequestError(
            f"The run config does not fit the job {job.name!r}: {' '.join(faults)}",
            "Give what the job's ops declare: --config FILE_OR_YAML, or `config` over the API.",
        ) from error


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings in one; what is above goes before what is below.

    >>> merged({"ops": {"a": 1}}, {"ops": {"b": 2}})
    {'ops': {'a': 1, 'b': 2}}
    """
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
