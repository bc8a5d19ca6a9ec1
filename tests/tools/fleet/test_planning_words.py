"""What a plan is made from, and says, of answers, names and versions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataflow_tools.fleet import update_planning as planning
from dataflow_tools.fleet.answers_file import read_answers
from dataflow_tools.fleet.export import Export
from dataflow_tools.fleet.plan import Action, Change
from dataflow_tools.fleet.template_instance import PROJECT, Instance
from dataflow_tools.fleet.tree import Entry
from dataflow_tools.fleet.versions import Template, Version


def export(folder: Path, config: str) -> Export:
    folder.mkdir(exist_ok=True)
    (folder / "copier.yml").write_text(config)
    return Export(Template("here", folder), Version("1.1.0", "a"), folder)


def answers(folder: Path, text: str = "", end: str = "\n") -> Any:
    said = f"_commit: 1.0.0\n_src_path: here\n{text}".replace("\n", end)
    (folder / ".copier-answers.yml").write_bytes(said.encode())
    return read_answers(folder / ".copier-answers.yml")


def test_what_is_older_than_a_question_does_not_get_what_new_ones_get(tmp_path: Path) -> None:
    """Only where the new version asks it, and nobody has answered yet."""
    asks = export(tmp_path / "a", "use_unit_tests: {type: bool, default: true}\n")
    silent = export(tmp_path / "b", "other: {type: bool}\n")
    assert planning._of_older(asks, answers(tmp_path)) == {"use_unit_tests": False}
    assert planning._of_older(silent, answers(tmp_path)) == {}
    assert planning._of_older(asks, answers(tmp_path, "use_unit_tests: true\n")) == {}


def test_what_runs_code_is_left_to_copier(tmp_path: Path) -> None:
    """All of it is named; an empty list runs nothing."""
    planning._refuse_unsupported(export(tmp_path, "_tasks: []\n"))
    with pytest.raises(planning.UnsupportedTemplateError, match="uses _tasks, _migrations, which"):
        planning._refuse_unsupported(export(tmp_path, "_tasks: [ls]\n_migrations: [ls]\n"))


@pytest.mark.parametrize(
    ("name", "said", "notes"),
    [("two", "one", 1), ("one", "one", 0), ("one", None, 0), (PROJECT, "one", 0)],
)
def test_a_folder_under_another_name_is_told(
    tmp_path: Path, name: str, said: str | None, notes: int
) -> None:
    """With the command for a copy where the first one is still there, or else for a rename."""
    rendering: Any = SimpleNamespace(answers={"workflow_id": said})
    instance = Instance(name, tmp_path / name)
    found = planning._describe_name(instance, rendering)
    assert ["dataflow workflow rename one two" in note for note in found] == [True] * notes
    (tmp_path / "one").mkdir()
    found = planning._describe_name(instance, rendering)
    assert ["dataflow workflow copy one two" in note for note in found] == [True] * notes


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_answers_file_keeps_its_ends_of_lines_and_its_mode(tmp_path: Path, end: str) -> None:
    """Whatever Copier writes."""
    before = answers(tmp_path, end=end)
    instance = Instance("one", tmp_path)
    change = planning._version_change(instance, before, "a: 1\nb: 2\n")
    assert change.action is Action.VERSION
    assert change.after == Entry(f"a: 1{end}b: 2{end}".encode(), executable=False)
    before.path.chmod(0o755)
    change = planning._version_change(instance, before, f"a: 1{end}")
    assert change.after == Entry(f"a: 1{end}".encode(), executable=True)
    assert change.before is not None
    assert change.before.executable


def test_exclusions_are_those_of_an_update() -> None:
    """Also where a pattern asks what is done."""
    plain, asking = "*.md", "{% if _copier_operation == 'update' %}a{% endif %}"
    set_ = "{% set _copier_operation = 'update' %}"
    assert planning._for_update([plain, asking]) == [plain, set_ + asking]


@pytest.mark.parametrize(
    ("used", "recorded", "same"),
    [(5, "5", True), (True, True, True), (5, 6, False), ("a", 1, False)],
)
def test_an_answer_is_the_same_in_another_type(
    used: object, recorded: object, *, same: bool
) -> None:
    """A question may turn a text into a number."""
    assert planning._same(used, recorded) is same


def test_a_change_says_what_is_not_plain() -> None:
    """As data, without what is empty; of all that can happen, two are for a person to decide."""
    plain = Change("a", Action.CLEAN, None, None)
    assert plain.as_json() == {"path": "a", "action": "clean"}
    more = Change("a", Action.CLEAN, None, None, "why", origin="b")
    assert more.as_json() == {"path": "a", "action": "clean", "detail": "why", "origin": "b"}
    conflicts = {action for action in Action if action.is_conflict}
    assert conflicts == {Action.CONFLICT, Action.BINARY_CONFLICT}
