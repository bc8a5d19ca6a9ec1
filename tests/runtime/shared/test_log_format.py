"""How log events look."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dataflow.shared.log_format import json_line, message, takes_colour, terminal_line

events = st.dictionaries(
    st.text(min_size=1, max_size=8) | st.sampled_from(["event", "level", "run_id"]),
    st.text() | st.integers() | st.none() | st.floats() | st.lists(st.text(), max_size=3),
)


@given(events)
def test_every_event_is_one_line_of_json(event: dict[str, Any]) -> None:
    """Whatever an event holds, JSON gets it on one line with its time and level."""
    line = json_line(event, 0.0, "INFO", "dataflow.x")
    read = json.loads(line)
    assert "\n" not in line
    assert read["timestamp"] == "1970-01-01T00:00:00.000Z"
    assert (read["level"], read["logger"]) == ("info", "dataflow.x")


@given(st.text(), st.text())
def test_no_text_writes_control_characters(event: str, value: str) -> None:
    """Only tabs and new lines, which move on, come through to a terminal."""
    line = terminal_line({"event": event, "field": value}, 0.0, "INFO", colour=False)
    assert not [c for c in line if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


def test_the_message_leaves_out_what_dagster_says_itself() -> None:
    """Workflow and run are on the terminal's line, but not in the message."""
    event = {
        "event": "loaded",
        "rows": 3,
        "workflow": "w",
        "run_id": "12345678-9",
        "exception": "E",
    }
    assert message(event) == "loaded rows=3\nE"
    assert terminal_line(event, 0.0, "INFO", colour=False)[8:] == (
        " info     loaded rows=3 [w 12345678]\nE"
    )


def test_what_is_no_terminal_takes_no_colour() -> None:
    """Files and closed streams get plain text."""
    stream = io.StringIO()
    assert not takes_colour(stream)
    stream.close()
    assert not takes_colour(stream)
