"""Who is told that a run failed, and what."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest
from tests.runtime.runs.stall import CONFIG, Stall
from tests.runtime.runs.test_policy import Receiver, receiver

from dataflow.runs.notifications import report_failure
from dataflow.runs.run_events import failure_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["receiver"]


def test_a_failed_run_is_told_at_each_address_that_is_set(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With its workflow, its error and a link; of those that are not set, the log names the key."""
    stall = Stall(tmp_path / "shop")
    stall.configure(f'{CONFIG}run: {{on_failure: ["${{ALARM}}", "${{NOBODY}}"]}}\n')
    monkeypatch.setenv("ALARM", receiver.url)
    caplog.set_level(logging.WARNING, "dataflow")
    (stall.root / "fail").touch()

    run = stall.run()

    assert run.status == "failed"
    with stall.history() as instance:
        error = failure_of(instance, run.run_id, "stall", stall.project)
    assert error.startswith("publish: ValueError: as it was told")
    assert error.count("as it was told") == 1
    [message] = receiver.received
    assert message["title"] == "stall failed"
    assert message["message"].startswith(f"{error}\n\nRun {run.run_id}\n")
    assert message["message"].endswith(f"/runs/{run.run_id}")
    assert any("NOBODY is not set" in text for text in caplog.messages)


@pytest.mark.parametrize(
    ("policy", "alarm", "told"),
    [
        ("", "", True),
        ('run: {on_failure: ["${ALARM}"]}', "json://127.0.0.1:PORT/room", False),
        ('run: {on_failure: ["${ALARM}"]}', "no address", False),
        ('run: {on_failure: ["${ALARM}"]}', "", False),
        ("run: {on_failur: []}", "", False),
    ],
    ids=["nobody asked for it", "nobody there", "no address", "not set", "wrong config"],
)
def test_that_nobody_was_told_is_said_and_raises_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    policy: str,
    alarm: str,
    told: bool,
) -> None:
    """What failed must not be hidden by it; an address is a secret, and never shown."""
    stall = Stall(tmp_path / "shop")
    stall.configure(CONFIG + policy)
    caplog.set_level(logging.WARNING, "dataflow")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        if alarm:
            monkeypatch.setenv("ALARM", alarm.replace("PORT", str(unused.getsockname()[1])))
        assert report_failure(stall.project, "stall", "one", "no reason") == told
    assert bool(caplog.messages) != told
    assert not any("/room" in text for text in caplog.messages)
