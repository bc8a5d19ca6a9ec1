"""The id that a rendered folder's answers record."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.recorded_id import RecordedId, recorded_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind: workflow\nworkflow_id: orders\n", RecordedId("orders", 2)),
        ("workflow_id: 'orders' # mine\n", RecordedId("orders", 1)),
        ("title: 'workflow_id: no'\n  workflow_id: nested\n", None),
        ("workflow_id:\n", None),
        ("\udcff", None),
    ],
)
def test_only_the_key_of_the_file_itself_counts(
    tmp_path: Path, text: str, found: RecordedId | None
) -> None:
    """With its line; nothing where the file does not say it or cannot be read."""
    (tmp_path / ".copier-answers.yml").write_bytes(text.encode(errors="surrogateescape"))
    assert recorded_id(tmp_path) == found


def test_a_folder_made_by_hand_has_none(tmp_path: Path) -> None:
    """There is no such file."""
    assert recorded_id(tmp_path) is None
