"""The sensor that starts a workflow when files arrive: `workflow.trigger.file_arrival`."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
)

from dataflow.runs.dagster_names import TRIGGER_TAG, WORKFLOW_TAG
from dataflow.shared.errors import BadInputError
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dagster import JobDefinition

    from dataflow.runs.definitions import WorkflowDefinitions
    from dataflow.shared.project import Project
    from dataflow.shared.trigger_settings import FileArrival

log = get_logger(__name__)

_SECONDS_BETWEEN_LOOKS = 10
# All that is known of each is kept in Dagster's history, at each look.
_MOST_FILES = 10_000


class FileArrivalError(BadInputError):
    """A place where files are to arrive cannot be looked at."""


@dataclass
class Arrivals:
    """What a sensor remembers between its looks.

    Args:
        seen: Digests of the files that a run has been started for, or that were there before.
        pending: The digest of all files at the last look, if there were new ones.
        since: When they last changed, in seconds since 1970.
        started: When a run was last started.
    """

    seen: list[str] = field(default_factory=list)
    pending: str = ""
    since: float = 0.0
    started: float = 0.0

    def look(self, files: set[str], settings: FileArrival, now: float) -> str:
        """Take a look in; gives why no run is to start, or nothing if one is."""
        new = files - set(self.seen)
        if not new:
            # What was deleted may come again.
            self.seen, self.pending = sorted(files), ""
            return "No new file."
        state = _digest(*sorted(files))
        if state != self.pending:
            self.pending, self.since = state, now
        if now - self.since < settings.wait_after_last_change_seconds:
            return f"{len(new)} files are new or still changing."
        if now - self.started < settings.min_time_between_triggers_seconds:
            return f"{len(new)} files are new; the last run was started too short a time ago."
        self.seen, self.pending, self.started = sorted(files), "", now
        return ""


def file_sensors(
    project: Project, found: WorkflowDefinitions, job: JobDefinition
) -> list[SensorDefinition]:
    """The sensor of a workflow that config.yaml gives one; none for others.

    It is on from the start. Of a partitioned job nobody knows which partition a file is for:
    ``found`` names the sensor as left out.
    """
    trigger = found.config.workflow.trigger if found.config else None
    if trigger is None or trigger.file_arrival is None:
        return []
    settings = trigger.file_arrival
    if job.partitions_def is not None:
        found.left_out.append(
            "workflow.trigger.file_arrival of config.yaml: The job is partitioned: define a sensor "
            "in dagster_job.py that says which partition to run."
        )
        return []

    told = ""

    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        nonlocal told
        try:
            files = arrived_files(project, settings.url)
        except FileArrivalError as error:
            # What is raised here Dagster tells with a traceback, at each look; this is a line of
            # its log and of the sensor's page. Nothing is forgotten: the next look goes on.
            reason = f"{error.reason} {error.instruction}"
            if reason != told:
                log.error(reason, workflow=found.workflow_id)
            told = reason
            return SkipReason(redact(reason))
        told = ""
        if context.cursor is None:
            first = Arrivals(sorted(files))
            reason = f"{len(files)} files are there; new ones start a run."
            return SensorResult(skip_reason=reason, cursor=json.dumps(asdict(first)))
        known = Arrivals(**json.loads(context.cursor))
        new = sorted(files - set(known.seen))
        reason = known.look(files, settings, time.time())
        cursor = json.dumps(asdict(known))
        if reason:
            return SensorResult(skip_reason=reason, cursor=cursor)
        tags = {WORKFLOW_TAG: found.workflow_id, TRIGGER_TAG: "file_arrival"}
        request = RunRequest(run_key=_digest(*new, str(known.started)), tags=tags)
        return SensorResult([request], cursor=cursor)

    return [
        SensorDefinition(
            name=f"{found.workflow_id}_file_arrival",
            evaluation_fn=evaluate,
            job=job,
            minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
            description=f"Runs {found.workflow_id} when files arrive in {settings.url}.",
            default_status=DefaultSensorStatus.RUNNING,
        )
    ]


def arrived_files(project: Project, url: str) -> set[str]:
    """Digests of the files at an address; each changes with the file.

    Raises:
        FileArrivalError: There are too many, or the address cannot be looked at.
    """
    if url.startswith("s3://"):
        return _checked(url, [_digest(*map(str, about)) for about in _objects(url)])
    import fsspec

    place = url if "://" in url else str(project.root / url)
    try:
        system, path = fsspec.core.url_to_fs(place)
        has_pattern = any(sign in path for sign in "*?[")
        found = system.glob(path, detail=True) if has_pattern else system.find(path, detail=True)
    except FileNotFoundError:
        return set()
    except ImportError as error:
        raise FileArrivalError(
            f"Files at {url} cannot be looked at: {error}.", "Install the package that it names."
        ) from error
    except Exception as error:  # each file system raises kinds of its own
        raise FileArrivalError(
            f"Files at {url} cannot be looked at: {error}", "Check the address and the credentials."
        ) from error
    files = [about for about in found.values() if about.get("type") == "file"]
    return _checked(url, [_digest(*map(str, _marks(about))) for about in files])


def _objects(url: str) -> list[tuple[str, int, int]]:
    """Those of a bucket, asked for as a file source asks: one address does for both."""
    from dataflow.sources.errors import SourceError
    from dataflow.sources.file.bucket import list_objects

    try:
        return list_objects(url)
    except SourceError as error:
        raise FileArrivalError(error.reason, error.instruction) from error


def _checked(url: str, files: list[str]) -> set[str]:
    if len(files) > _MOST_FILES:
        raise FileArrivalError(
            f"There are {len(files):,} files at {url}; a trigger takes {_MOST_FILES:,}.",
            "Narrow the pattern, or move away files that have been loaded.",
        )
    return set(files)


def _marks(about: dict[str, object]) -> list[object]:
    """By what a file, or its next version, is told from others."""
    versions = ("mtime", "ETag", "etag", "LastModified", "last_modified", "md5Hash", "updated")
    return [about["name"], about.get("size"), *(about[key] for key in versions if key in about)]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:16]
