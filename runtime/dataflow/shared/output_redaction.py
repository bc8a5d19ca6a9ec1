"""Keeping secrets out of what a process writes without asking us.

`redact` cleans what this library prints. Everything else that a process of ours writes goes
through here: the log records of other libraries, and exceptions that nobody catches.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from dataflow.shared.redaction import is_secret_key, redact, register_secret

# Shells keep the current folder in these.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
# A shorter value, such as "true" or "secret", stands in innocent text as well.
_SHORTEST = 8

_make_record: Callable[..., logging.LogRecord] | None = None


def guard_output() -> None:
    """Mask secrets in all later log records and uncaught exceptions of this process.

    For programs of ours to call when they start, never for an import: both belong to the process.
    """
    guard_records()
    sys.excepthook = _print_exception


def guard_records() -> None:
    """Mask secrets in all later log records, through the standard library's own seam for it.

    Known are from then on also the secrets in the environment. Calling it again does no harm.
    """
    global _make_record
    register_environment(os.environ)
    if _make_record is None:
        _make_record = logging.getLogRecordFactory()
        logging.setLogRecordFactory(_redacted_record)


def register_environment(environ: Mapping[str, str]) -> None:
    """Have the values of variables that are called like secrets masked in all later output."""
    for name, value in environ.items():
        if len(value) < _SHORTEST or name in _FOLDERS or not is_secret_key(name):
            continue
        # A variable may say where a secret lies, which is none.
        if not os.path.exists(value):  # noqa: PTH110 - a value need not be a path
            register_secret(value)


def said_by(record: logging.LogRecord) -> str:
    """The message of a record, or as much of it as there can be."""
    try:
        return record.getMessage()
    except Exception:  # the arguments do not fit the message, or cannot be shown
        return str(record.msg)


def _redacted_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    assert _make_record is not None  # noqa: S101 - it is set before this is installed
    record = _make_record(*args, **kwargs)
    said = said_by(record)
    redacted = redact(said)
    if redacted != said:
        record.msg, record.args = redacted, None
    if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
        shown = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        redacted = redact(shown)
        if redacted != shown:
            # Formatters print the text, and have nothing left to make their own of.
            record.exc_info, record.exc_text = None, redacted
    return record


def _print_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if sys.stderr is not None:
        sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
