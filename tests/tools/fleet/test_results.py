"""What is left of an update: its outcomes as numbers, as an exit code and as data."""

from __future__ import annotations

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.plan import Action, Change
from dataflow_tools.fleet.results import UpdateOutcome, UpdateReport, UpdateStatus
from dataflow_tools.fleet.tree import Entry


def outcome(status: UpdateStatus, **more: object) -> UpdateOutcome:
    return UpdateOutcome("one", "w/one", status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "more", "code"),
    [
        (UpdateStatus.UPDATED, {}, 0),
        (UpdateStatus.UPDATED, {"checked": True}, 0),
        (UpdateStatus.UPDATED, {"checked": False}, 1),
        (UpdateStatus.UPDATED, {"is_unchecked": True}, 1),
        (UpdateStatus.CURRENT, {}, 0),
        (UpdateStatus.UNMANAGED, {}, 0),
        (UpdateStatus.CONFLICT, {}, 1),
        (UpdateStatus.SKIPPED, {}, 1),
        (UpdateStatus.FAILED, {}, 1),
    ],
)
def test_the_exit_code_says_whether_something_is_left_to_do(
    status: UpdateStatus, more: dict[str, object], code: int
) -> None:
    """One of many is enough; whoever interrupts learns that."""
    found = [outcome(UpdateStatus.CURRENT), outcome(status, **more)]
    assert UpdateReport(found).exit_code == code
    assert UpdateReport(found, interrupted=True).exit_code == 130


def test_data_has_what_there_is_to_say() -> None:
    """Without what is empty; that checks could not run is said as what is not known."""
    found = UpdateReport([outcome(UpdateStatus.CURRENT)], notes=["a"]).as_json()
    assert found == {
        "planned_only": False,
        "interrupted": False,
        "summary": {"current": 1},
        "notes": ["a"],
        "workflows": [
            {
                "workflow_id": "one",
                "path": "w/one",
                "status": "current",
                "from": None,
                "to": None,
                "files": [],
            }
        ],
    }
    assert outcome(UpdateStatus.UPDATED, checked=False).as_json()["checked"] is False
    assert outcome(UpdateStatus.UPDATED, is_unchecked=True).as_json()["checked"] is None
    assert outcome(UpdateStatus.UPDATED, notes=["n"]).as_json()["notes"] == ["n"]


def test_what_fails_changes_nothing() -> None:
    """And is counted as such, with what to do; the version alone is no file."""
    changes = [
        Change(name, action, None, Entry(b"x"))
        for name, action in (("a", Action.CLEAN), (".copier-answers.yml", Action.VERSION))
    ]
    planned = outcome(UpdateStatus.UPDATED, changes=changes)
    assert planned.count() == {Action.CLEAN: 1}
    assert planned.conflicts == []
    failed = planned.fail(BadInputError("why", "what to do"))
    assert (failed.status, failed.changes) == (UpdateStatus.FAILED, [])
    assert failed.as_json()["instruction"] == "what to do"
    skipped = planned.fail(BadInputError("why", ""), UpdateStatus.SKIPPED)
    assert UpdateReport([skipped]).count() == {UpdateStatus.SKIPPED: 1}
