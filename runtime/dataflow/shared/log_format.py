"""How one log event looks: as a message, as a line on a terminal, as a line of JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

# What the line says elsewhere, or what follows it on lines of its own.
_APART = frozenset({"event", "exception", "stack", "workflow", "run_id"})
_COLOURS = {
    "debug": "\x1b[2m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
# What could move the cursor or forge a line; a tab and a new line only move on.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def message(event: Mapping[str, Any]) -> str:
    """An event as a text without time, level and run: ``loaded rows=12 table=raw.flights``."""
    parts = [_visible(str(event.get("event", "")))]
    parts += [f"{key}={_value(value)}" for key, value in event.items() if key not in _APART]
    lines = [" ".join(filter(None, parts))]
    lines += [_visible(str(event[key])) for key in ("stack", "exception") if event.get(key)]
    return "\n".join(lines)


def terminal_line(event: Mapping[str, Any], created: float, level: str, *, colour: bool) -> str:
    """An event as a person reads it: local time, level, message, workflow and run."""
    time = datetime.fromtimestamp(created).astimezone().strftime("%H:%M:%S")
    first, _, rest = message(event).partition("\n")
    run = str(event.get("run_id") or "")[:8]
    where = " ".join(filter(None, (str(event.get("workflow") or ""), run)))
    where = f" [{where}]" if where else ""
    level = level.lower()
    if colour:
        time, where = f"{_DIM}{time}{_PLAIN}", f"{_DIM}{where}{_PLAIN}" if where else ""
        first = f"{_COLOURS.get(level, '')}{level:<8} {first}{_PLAIN}"
    else:
        first = f"{level:<8} {first}"
    return f"{time} {first}{where}" + (f"\n{rest}" if rest else "")


def json_line(event: Mapping[str, Any], created: float, level: str, logger: str) -> str:
    """An event as one line of JSON: timestamp (UTC), level, logger, event and its fields."""
    time = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
    head = {"timestamp": time.replace("+00:00", "Z"), "level": level.lower(), "logger": logger}
    # Its own fields last: a field named `level` must not hide the level.
    fields = {f"{key}_" if key in head else key: value for key, value in event.items()}
    return json.dumps({**head, **fields}, default=str, ensure_ascii=False)


def takes_colour(stream: TextIO) -> bool:
    """Whether to write colours: to a terminal, unless ``NO_COLOR`` is set (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def _value(value: Any) -> str:
    if isinstance(value, str):
        return (
            value if value.isprintable() and not re.search(r"[\s\"'=]|^$", value) else repr(value)
        )
    if isinstance(value, float):
        return f"{value:.6g}"
    return _visible(str(value))


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)
