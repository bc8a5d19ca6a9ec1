"""What a run's events say of its steps, in one shape from this process and from the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataflow.runs.model import Run, Step, dagster_statuses, own_tags, run_status
from dataflow.runs.run_progress import RunEvent, RunProgress
from dataflow.service.run_answers import parse_log, parse_run
from dataflow.shared.project import Project
from dataflow.shared.redaction import register_secret

ERROR = {
    "className": "DagsterExecutionStepExecutionError",
    "message": "dagster.Error: it failed\n",
    "stack": ["somewhere\n"],
    "cause": {
        "className": "ValueError",
        "message": "ValueError: the shop is closed\n",
        "stack": ['  File "ROOT/src/dataflow/workflows/shop/dagster_job.py", line 7, in load\n'],
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def event(kind: str, step: str | None = None, at: float = 0.0, **others: Any) -> dict[str, Any]:
    return {"__typename": kind, "stepKey": step, "timestamp": str(at * 1000), **others}


def answer(status: str, **others: Any) -> dict[str, Any]:
    tags = {"dataflow/workflow": "shop", "dagster/x": "1", ".dagster/y": "2", "asked-by": "me"}
    run = {"runId": "r", "jobName": "shop_job", "status": status, "creationTime": 1.0}
    times = {"startTime": 2.0, "endTime": 4.5}
    return {**run, **times, "tags": [{"key": k, "value": v} for k, v in tags.items()], **others}


def test_steps_are_told_from_the_events(project: Project) -> None:
    """Names without the workflow's, how long, what they did and to how many rows."""
    said = [{"label": "summary", "text": "3 rows"}, {"label": "rows", "intValue": 3}]
    events = [
        event("ExecutionStepStartEvent", "extract_shop", 10.0),
        event("ExecutionStepOutputEvent", "extract_shop", 11.0, metadataEntries=said),
        event("ExecutionStepOutputEvent", "extract_shop", 11.0, metadataEntries=[]),
        event("ExecutionStepSuccessEvent", "extract_shop", 11.5),
        event("ExecutionStepStartEvent", "load_shop", 12.0),
        event("EngineEvent"),
        event("ExecutionStepUpForRetryEvent", "load_shop", 12.2),
        event("ExecutionStepSkippedEvent", "publish_shop", 13.0),
    ]
    run = parse_run(answer("STARTED"), project, events)
    assert run.steps == [
        Step("extract", "succeeded", 1.5, "3 rows", 3),
        Step("load", "running"),
        Step("publish", "skipped"),
    ]
    assert run.rows is None
    assert (run.status, run.is_over, run.success, run.stopped) == ("running", False, False, False)
    assert run.tags == {"dataflow/workflow": "shop", "asked-by": "me"}


def test_a_failure_has_its_reason_and_place(project: Project) -> None:
    """Of the author's code, not of Dagster's; the run adds only what no step has said."""
    error = {**ERROR, "cause": {**ERROR["cause"]}}  # type: ignore[dict-item]
    error["cause"]["stack"] = [  # type: ignore[index]
        line.replace("ROOT", str(project.root))
        for line in ERROR["cause"]["stack"]  # type: ignore[index]
    ]
    events = [
        event("ExecutionStepStartEvent", "load_shop", 12.0),
        event("ExecutionStepFailureEvent", "load_shop", 14.0, message="failed", error=error),
        event("RunFailureEvent", message="Execution failed. Steps failed: ['load_shop']."),
    ]
    run = parse_run(answer("FAILURE"), project, events)
    (step,) = run.steps
    reason = "ValueError: the shop is closed (src/dataflow/workflows/shop/dagster_job.py:7)"
    assert (step.status, step.seconds, step.error) == ("failed", 2.0, reason)
    assert "somewhere" in step.traceback
    assert "line 7, in load" in step.traceback
    assert run.error == ""
    assert run.whole_error == f"load: {reason}"
    assert run.is_over
    assert not run.success


def test_a_step_that_failed_without_a_reason_has_dagsters_words(project: Project) -> None:
    """And if there are none either, it says that it failed."""
    for message, said in (("the step is gone", "the step is gone"), ("", "failed")):
        events = [event("ExecutionStepFailureEvent", "load_shop", message=message, error=None)]
        assert parse_run(answer("FAILURE"), project, events).steps[0].error == said


def test_a_run_that_failed_as_a_whole_says_so_before_its_steps(project: Project) -> None:
    """A lost process or a limit is known to the run alone."""
    events = [
        event("ExecutionStepFailureEvent", "load_shop", message="it was stopped"),
        event("RunFailureEvent", message="The process 7 that executed this run is gone."),
    ]
    run = parse_run(answer("FAILURE"), project, events)
    assert run.error == "The process 7 that executed this run is gone."
    assert run.whole_error == f"{run.error}; load: it was stopped"


def test_an_interruption_is_told_from_a_failure(project: Project) -> None:
    """Of whatever it was the cause."""
    progress = RunProgress("shop", project)
    interrupted = parse_error({**ERROR, "className": "DagsterExecutionInterruptedError"})
    progress.add(RunEvent("failure", 1.0, "load_shop", error=parse_error(ERROR)))
    assert not progress.was_interrupted
    step = progress.add(RunEvent("failure", 1.0, "load_shop", error=interrupted))
    assert progress.was_interrupted
    assert step is not None
    assert step.error == "Stopped by Ctrl-C or a signal."
    progress.add(RunEvent("failure", 1.0, "publish_shop", error=parse_error(ERROR)))
    assert progress.was_interrupted


def parse_error(error: dict[str, Any]) -> Any:
    from dataflow.service.run_answers import _error

    return _error(error)


def test_only_a_change_of_a_steps_status_is_news(project: Project) -> None:
    """Outputs, retries and what happens to the run are none."""
    progress = RunProgress("shop", project)
    quiet = [
        RunEvent("output", 1.0, "load_shop", summary="x"),
        RunEvent("other", 1.0, "load_shop"),
        RunEvent("run_failure", 1.0, message="gone"),
        RunEvent("start", 1.0),
    ]
    assert [progress.add(quiet_event) for quiet_event in quiet] == [None] * 4
    assert progress.steps == []
    assert progress.error == "gone"


def test_what_events_say_is_redacted(project: Project) -> None:
    """Summaries, errors and tracebacks: they are printed and sent as they are."""
    register_secret("planted-in-an-event")
    progress = RunProgress("shop", project)
    progress.add(RunEvent("output", 1.0, "load_shop", summary="with planted-in-an-event"))
    told = progress.add(RunEvent("success", 1.0, "load_shop"))
    assert told is not None
    assert told.summary == "with ***"
    error = parse_error({**ERROR, "cause": None, "message": "planted-in-an-event"})
    failed = progress.add(RunEvent("failure", 1.0, "load_shop", error=error))
    assert failed is not None
    assert failed.error == "***"
    assert failed.traceback.startswith("***")


def test_times_statuses_and_rows_of_a_run() -> None:
    """How long it took, or takes; the rows are those of the last step called load."""
    begun = datetime.now(UTC) - timedelta(seconds=100)
    steps = [Step("load", "succeeded", rows=1), Step("load", "succeeded", rows=2)]
    run = Run("r", "shop", "succeeded", begun, begun, begun + timedelta(seconds=2.5), steps=steps)
    assert (run.seconds, run.rows, run.success, run.is_over) == (2.5, 2, True, True)
    assert Run("r", "shop", "queued", begun).seconds is None
    assert 99 < (Run("r", "shop", "running", begun, begun).seconds or 0) < 200
    assert Run("r", "shop", "canceled", begun).stopped
    tags = {"dataflow/pid": "7", "dataflow/host": "here"}
    assert Run("r", "shop", "running", begun, tags=tags).executed_by == "process 7 on here"
    assert Run("r", "shop", "running", begun).executed_by == ""


def test_json_has_what_it_always_had() -> None:
    """The keys of `workflow run --json`; a step that has not ended is not in it."""
    now = datetime.now(UTC)
    steps = [Step("load", "succeeded", 1.0, "x", 1), Step("model", "running")]
    told = Run("r", "shop", "failed", now, now, now, steps=steps, error="late").as_json()
    assert told == {
        "workflow_id": "shop",
        "run_id": "r",
        "success": False,
        "seconds": 0.0,
        "steps": [
            {
                "name": "load",
                "status": "succeeded",
                "seconds": 1.0,
                "summary": "x",
                "rows": 1,
                "error": "",
                "traceback": "",
                "code": "",
            }
        ],
        "error": "late",
        "stopped": False,
    }


def test_dagsters_statuses_and_tags() -> None:
    """Each of Dagster's statuses is one of ours, and back."""
    assert dagster_statuses("queued") == ["QUEUED", "NOT_STARTED", "MANAGED"]
    assert dagster_statuses("running") == ["STARTING", "STARTED", "SUSPENDED"]
    for theirs, ours in (("SUCCESS", "succeeded"), ("FAILURE", "failed"), ("CANCELED", "canceled")):
        assert run_status(theirs) == ours
        assert dagster_statuses(ours) == [theirs]
    assert run_status("CANCELING") == "canceling"
    assert own_tags({"dagster/a": "1", ".dagster/b": "2", "c": "3"}) == {"c": "3"}


def test_a_log_has_its_lines_with_what_was_raised(project: Project) -> None:
    """Events without words are left out; the cause is said after Dagster's words."""
    page = {
        "cursor": "c",
        "hasMore": True,
        "events": [
            {"__typename": "StepStart"},
            {**event("Log", "load_shop", 5.0), "level": "INFO", "message": "loaded"},
            {**event("Fail", None, 6.0), "level": "ERROR", "message": "no", "error": ERROR},
        ],
    }
    log = parse_log(page)
    assert (log.cursor, log.has_more) == ("c", True)
    assert [(e.level, e.step, e.message) for e in log.entries] == [
        ("info", "load_shop", "loaded"),
        ("error", None, "no\nValueError: the shop is closed"),
    ]
    assert log.entries[0].time == datetime.fromtimestamp(5, UTC)


FROM_OUTSIDE = "This run has been marked as failed from outside the execution context."


def test_a_run_that_ends_before_its_steps_has_the_real_cause(project: Project) -> None:
    """What Dagster's engine raised or saw; what the run itself raised is nearer."""
    config: dict[str, Any] = {
        "className": "ConfigError",
        "message": "dataflow.shared.errors.ConfigError: load.x: is not a known key\n",
        "stack": [],
        "cause": None,
    }
    raised = event("EngineEvent", message="likely a framework error", error=config)
    killed = event(
        "EngineEvent",
        message="[DagsterApiServer] Run execution process for 1-a was terminated by signal 9 "
        "(SIGKILL). This usually indicates that ...",
    )
    failed = event("RunFailureEvent", message=FROM_OUTSIDE)
    started = event("EngineEvent", message="Started process for run (pid: 7).")
    run = parse_run(answer("FAILURE"), project, [started, raised, failed])
    assert run.whole_error == "load.x: is not a known key"
    begun = event("ExecutionStepStartEvent", "extract_shop", 10.0)
    run = parse_run(answer("FAILURE"), project, [started, begun, killed, failed])
    assert run.error.startswith("The process of the run was terminated by signal 9 (SIGKILL).")
    assert [step.status for step in run.steps] == ["failed"]
    run = parse_run(answer("FAILURE"), project, [started, failed])
    assert run.error == FROM_OUTSIDE


def test_the_log_tells_what_the_engine_raised(project: Project) -> None:
    """And names events that Dagster has no words for."""
    common = {"timestamp": "1000", "level": "ERROR", "stepKey": None}
    page = {"cursor": "x", "hasMore": False}
    error = {**ERROR, "cause": None, "message": "ConfigError: no such key"}
    log = parse_log(
        {
            **page,
            "events": [
                {"__typename": "RunEnqueuedEvent", "message": "", **common},
                {"__typename": "EngineEvent", "message": "It failed.", "error": error, **common},
            ],
        }
    )
    said = [entry.message for entry in log.entries]
    assert said == ["Run enqueued", "It failed.\nConfigError: no such key"]
