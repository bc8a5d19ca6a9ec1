"""Releases that do and do not concern a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runtime.template.conftest import Lab

TEN = "".join(f"line {number}\n" for number in range(10))
ANSWERS = ".copier-answers.yml"
EMPTY = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
_preserve_symlinks: true
kind: {type: str, choices: [workflow, project], default: workflow}
runtime_version: {type: str, default: "1.0.0", when: false}
"""


def test_only_the_version_line_moves_when_nothing_else_changed(lab: Lab) -> None:
    """A release that does not concern workflows changes one line, and keeps a person's comment."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    answers = lab.read("one", ANSWERS)
    lab.edit("one", {ANSWERS: answers + "# mine\n"})
    lab.release("1.1.0", {"x": "x\n"}, kind="project", config=bumped("2.0.0"))

    report = lab.update("one")

    assert lab.actions(report) == {}
    assert lab.read("one", ANSWERS) == answers.replace("1.0.0", "1.1.0") + "# mine\n"


def test_a_version_number_that_a_file_shows_does_change_it(lab: Lab) -> None:
    """A hidden value counts as soon as a rendered file refers to it."""
    lab.release("1.0.0", {"a.py.jinja": "{{ runtime_version }}\n"})
    lab.render("one")
    lab.release("1.1.0", {}, config=bumped("2.0.0"))

    lab.update("one")

    assert lab.read("one", "a.py") == "2.0.0\n"


def bumped(version: str) -> str:
    return EMPTY.replace("1.0.0", version) + 'title: {type: str, default: "{{ _folder_name }}"}\n'


def test_files_that_name_the_template_are_rendered_from_it(lab: Lab) -> None:
    """A file may show the template's place and version, although that is slower."""
    text = "{{ _copier_answers._src_path }} {{ _copier_answers._commit }}\n"
    lab.release("1.0.0", {"a.md.jinja": text})
    lab.render("one")
    assert lab.read("one", "a.md") == f"{lab.template} 1.0.0\n"
    lab.release("1.1.0", {"a.md.jinja": f"New: {text}"})

    lab.update("one")

    assert lab.read("one", "a.md") == f"New: {lab.template} 1.1.0\n"
