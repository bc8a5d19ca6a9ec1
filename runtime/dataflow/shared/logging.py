"""Structured logs: readable on a terminal, JSON when asked, and the same lines in Dagster's log.

``get_logger(__name__).info("loaded", rows=12)`` writes to standard error. ``DATAFLOW_LOG_LEVEL``
(default ``info``) and ``DATAFLOW_LOG_FORMAT`` (``terminal`` or ``json``) choose what and how.

Every event becomes a record of the standard library's logger ``dataflow`` or one below it, with a
readable, redacted message. Dagster takes it from there, told by ``python_logs`` in dagster.yaml.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, cast

import structlog

from dataflow.shared.errors import BadInputError
from dataflow.shared.log_format import json_line, message, takes_colour, terminal_line
from dataflow.shared.output_redaction import said_by
from dataflow.shared.redaction import redact, redact_event

__all__ = ["WORKFLOW_TAG", "bind_run", "configure_logging", "get_logger"]

# The Dagster run tag that names the workflow.
WORKFLOW_TAG = "dataflow/workflow"

_ROOT = "dataflow"
_EVENT = "dataflow_event"
_LEVELS = ("debug", "info", "warning", "error", "critical")
_FORMATS = ("terminal", "json")

_Event = MutableMapping[str, Any]
_lock = threading.RLock()
_handler: _StderrHandler | None = None
_handed_out: set[str] = set()


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: ``get_logger(__name__)``.

    Nothing is set up before its first line. ``name`` is placed below ``dataflow`` if it is not
    there already, so that Dagster's log has its lines as well.

    >>> log = get_logger(__name__)
    >>> log.info("loaded", table="sales", rows=12)
    """
    full = name if name == _ROOT or name.startswith(f"{_ROOT}.") else f"{_ROOT}.{name}"
    logger = logging.getLogger(full)
    with _lock:
        _handed_out.add(full)
        if _handler is not None:
            _let_through(logger, _handler.threshold)
    wrapped = structlog.wrap_logger(
        logger,
        processors=_PROCESSORS,
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return cast("structlog.stdlib.BoundLogger", wrapped)


@contextmanager
def bind_run(workflow_id: str, run_id: str) -> Iterator[None]:
    """Add ``workflow`` and ``run_id`` to every line logged inside, in this thread and task."""
    with structlog.contextvars.bound_contextvars(workflow=workflow_id, run_id=run_id):
        yield


def configure_logging(level: str | None = None, log_format: str | None = None) -> None:
    """Choose what is logged and how, instead of leaving it to the first line that is logged.

    Args:
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``. Default: the variable
            ``DATAFLOW_LOG_LEVEL``, then ``info``.
        log_format: ``terminal`` or ``json``. Default: ``DATAFLOW_LOG_FORMAT``, then ``terminal``.

    Raises:
        BadInputError: A level or format is none of these.
    """
    chosen = _choice("DATAFLOW_LOG_LEVEL", level, _LEVELS, "info")
    as_json = _choice("DATAFLOW_LOG_FORMAT", log_format, _FORMATS, "terminal") == "json"
    _install(getattr(logging, chosen.upper()), as_json)


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is at the time.

    It comes first and sees every level, for it also redacts what the handlers after it get.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.threshold = logging.INFO
        self.as_json = False

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, _EVENT, None)
        if event is None:
            event = _redact_record(record)
        stream = sys.stderr
        if record.levelno < self.threshold or stream is None:
            return
        if self.as_json:
            line = json_line(event, record.created, record.levelname, record.name)
        else:
            colour = takes_colour(stream)
            line = terminal_line(event, record.created, record.levelname, colour=colour)
        try:
            stream.write(f"{line}\n")
            stream.flush()
        except UnicodeEncodeError:
            stream.write(f"{line!a}\n")
        except (OSError, ValueError):
            # Nobody reads standard error any more: no reason to fail the run.
            return


def _redact_record(record: logging.LogRecord) -> dict[str, Any]:
    """Redact, in place, a record that was logged past `get_logger`."""
    event: _Event = structlog.contextvars.merge_contextvars(None, "", {"event": said_by(record)})
    if record.exc_info:
        event["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    event = redact_event(_add_dagster_run(None, "", event))
    record.msg, record.args = message(event), None
    record.exc_info = record.exc_text = None
    return event


def _choice(variable: str, given: str | None, allowed: tuple[str, ...], default: str) -> str:
    value = (given or os.environ.get(variable) or default).strip().lower()
    if value not in allowed:
        source = variable if given is None else "The choice"
        raise BadInputError(f"{source} is {value!r}.", f"Use one of: {', '.join(allowed)}.")
    return value


def _install(level: int, as_json: bool) -> None:
    global _handler
    root = logging.getLogger(_ROOT)
    with _lock:
        if _handler is None:
            _handler = _StderrHandler()
            root.handlers.insert(0, _handler)
            # Whatever else writes to the terminal would write each line a second time.
            root.propagate = False
            if root.level == logging.NOTSET:
                root.setLevel(logging.INFO)
        _handler.threshold, _handler.as_json = level, as_json
        for name in _handed_out:
            _let_through(logging.getLogger(name), level)


def _let_through(logger: logging.Logger, threshold: int) -> None:
    # Dagster sets the level of `dataflow` to its own; only a level of the logger's own beats it.
    if logger.name != _ROOT:
        logger.setLevel(threshold if threshold < logging.INFO else logging.NOTSET)


def _configure(_logger: Any, _method: str, event: _Event) -> _Event:
    if _handler is None:
        try:
            configure_logging()
        except BadInputError as error:
            # A line that cannot be configured as wished is still worth more than no line.
            _install(logging.INFO, as_json=False)
            logging.getLogger(_ROOT).warning("%s %s", error.reason, error.instruction)
    return event


def _add_dagster_run(_logger: Any, _method: str, event: _Event) -> _Event:
    """Say which run of which workflow is being executed, if Dagster executes one here."""
    if "dagster" not in sys.modules or ("run_id" in event and "workflow" in event):
        return event
    try:
        context = sys.modules["dagster"].OpExecutionContext.get()
        event.setdefault("workflow", context.run.tags.get(WORKFLOW_TAG, context.job_name))
        event.setdefault("run_id", context.run_id)
    except Exception:  # noqa: S110 - no op is executing, or Dagster is half imported
        pass
    return event


def _redact(_logger: Any, _method: str, event: _Event) -> _Event:
    return redact_event(event)


def _to_record(_logger: Any, _method: str, event: _Event) -> tuple[tuple[str], dict[str, Any]]:
    # Redacted once more: a secret may lie across the parts of which the message is made.
    # The traceback is in the message already; as `exc_info` it would be printed as it is.
    return (redact(message(event)),), {"extra": {_EVENT: event}, "exc_info": None}


_PROCESSORS: list[Any] = [
    _configure,
    structlog.stdlib.filter_by_level,
    structlog.contextvars.merge_contextvars,
    _add_dagster_run,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    _redact,
    _to_record,
]
