"""Keeping secrets out of Dagster's run history, which the UI and the REST API show.

Dagster writes down what an author's code raises, word by word. Its own setting
``DAGSTER_REDACT_USER_CODE_ERRORS`` hides every word of it; people need to know what failed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dagster import DagsterInstance
from dagster._core.events.log import EventLogEntry
from dagster._serdes import deserialize_value, serialize_value
from dagster_shared.error import SerializableErrorInfo

from dataflow.shared.output_redaction import guard_output
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    import traceback

# What of an event are words, at whatever depth. A password may be spelt like the name of a step,
# and names have to stay.
_WORDS = frozenset("data description md_str message path text url user_message".split())  # noqa: SIM905
# Dagster has no seam for this: these are the two places that all its errors and events go through.
_from_traceback: Any = SerializableErrorInfo.from_traceback.__func__  # type: ignore[attr-defined]
_handle_new_event: Any = DagsterInstance.handle_new_event


def guard_history() -> None:
    """Mask secrets in all that this process writes into Dagster's history, and in its logs."""
    guard_output()
    SerializableErrorInfo.from_traceback = classmethod(_redacted_error)  # type: ignore[assignment, method-assign]
    DagsterInstance.handle_new_event = _handle_redacted  # type: ignore[assignment, method-assign]


def _redacted_error(
    cls: type[SerializableErrorInfo], trace: traceback.TracebackException
) -> SerializableErrorInfo:
    """An exception as Dagster keeps it; those that led to it come through here as well."""
    error = _from_traceback(cls, trace)
    stack = [redact(line) for line in error.stack]
    return cls(redact(error.message), stack, error.cls_name, error.cause, error.context)


def _handle_redacted(self: DagsterInstance, event: EventLogEntry, **options: Any) -> None:
    _handle_new_event(self, _redacted_event(event), **options)


def _redacted_event(event: EventLogEntry) -> EventLogEntry:
    text = serialize_value(event)
    if redact(text) == text:
        return event
    # Not in the text itself: a secret that looks like a number would leave broken JSON behind.
    cleaned = json.dumps(_redacted_words(json.loads(text)))
    return deserialize_value(cleaned, EventLogEntry)


def _redacted_words(value: Any) -> Any:
    if isinstance(value, list):
        return [_redacted_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: redact(item) if key in _WORDS and isinstance(item, str) else _redacted_words(item)
        for key, item in value.items()
    }
