"""Releases that do and do not concern a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import ANSWERS, BOTH, EMPTY, MINE, TEN, THEIRS

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_version_number_that_a_file_shows_does_change_it(lab: Lab) -> None:
    """A hidden value counts as soon as a rendered file refers to it."""
    lab.release("1.0.0", {"a.py.jinja": "{{ runtime_version }}\n"})
    lab.render("one")
    lab.release("1.1.0", {}, config=bumped("2.0.0"))

    lab.update("one")

    assert lab.read("one", "a.py") == "2.0.0\n"


def bumped(version: str) -> str:
    return EMPTY.replace("1.0.0", version) + 'title: {type: str, default: "{{ _folder_name }}"}\n'


@pytest.mark.slow
def test_files_that_name_the_template_are_rendered_from_it(lab: Lab) -> None:
    """A file may show the template's place and version, although that is slower."""
    text = "{{ _copier_answers._src_path }} {{ _copier_answers._commit }}\n"
    lab.release("1.0.0", {"a.md.jinja": text})
    lab.render("one")
    assert lab.read("one", "a.md") == f"{lab.template} 1.0.0\n"
    lab.release("1.1.0", {"a.md.jinja": f"New: {text}"})

    lab.update("one")

    assert lab.read("one", "a.md") == f"New: {lab.template} 1.1.0\n"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{{ _commit }}", "{{ _copier_answers._commit }}"])
def test_a_file_that_shows_the_recorded_version_changes_with_every_release(
    lab: Lab, text: str
) -> None:
    """The version is a value like others, in a file that did not change itself too."""
    lab.release("1.0.0", {"a.md.jinja": f"{text}\n"})
    lab.render("one")
    lab.release("1.1.0", {})

    assert lab.update().exit_code == 0

    assert lab.read("one", "a.md") == "1.1.0\n"


@pytest.mark.slow
def test_values_that_depend_on_a_changed_one_count_as_changed(lab: Lab) -> None:
    """A chain of questions carries a change to the file at its end, and to excluded files."""
    config = (
        EMPTY
        + """
first: {type: str, default: "%s", when: false}
second: {type: str, default: "{{ first }}!", when: false}
"""
    )
    lab.release("1.0.0", {"a.py.jinja": "{{ second }}\n", "b.py": TEN}, config=config % "x")
    lab.render("one")
    lab.release("1.1.0", {}, config=config % "y")
    assert lab.update("one").exit_code == 0
    assert lab.read("one", "a.py") == "y!\n"
    lab.commit()
    excluding = "_exclude: [\"{% if second == 'z!' %}b.py{% endif %}\"]\n"
    lab.release("1.2.0", {}, config=config % "y" + excluding)
    lab.release("1.3.0", {}, config=config % "z" + excluding)
    lab.update("one")
    assert lab.read("one", "a.py") == "z!\n"


def test_only_files_that_can_differ_are_rendered_and_the_rest_stays(lab: Lab) -> None:
    """A file that appears beside its own template, or loses it, is not taken for deleted."""
    lab.release("1.0.0", {"a.py": "plain\n", "a.py.jinja": "{{ title }}\n", "b.py": TEN})
    lab.render("one")
    assert lab.read("one", "a.py") == "one\n"
    lab.edit("one", {"b.py": MINE})
    lab.release("1.1.0", {"a.py.jinja": None})

    report = lab.update("one")

    assert lab.actions(report) == {"a.py": "clean"}
    assert lab.read("one", "a.py") == "plain\n"
    assert lab.read("one", "b.py") == MINE


@pytest.mark.slow
def test_a_template_without_subdirectories_is_updated_too(lab: Lab) -> None:
    """A plain template that is rendered as a whole works as well."""
    config = "_exclude: [template, copier.yml, .git]\n"
    name = "../../{{ _copier_conf.answers_file }}.jinja"
    answers = "{{ _copier_answers|to_nice_yaml -}}\n"
    lab.release("1.0.0", {name: answers, "../../a.py": TEN}, config=config)
    lab.render("one")
    lab.edit("one", {"a.py": MINE})
    lab.release("1.1.0", {}, config=config + "_message_after_update: hello\n")
    assert lab.actions(lab.update("one")) == {}
    lab.commit()
    lab.release("1.2.0", {"../../a.py": THEIRS})
    assert lab.actions(lab.update("one")) == {"a.py": "merged"}
    assert lab.read("one", "a.py") == BOTH


def test_included_files_count(lab: Lab) -> None:
    """A change in a file that a template file includes reaches the workflow."""
    files = {"a.py.jinja": "{% include 'parts/x.txt' %}", "../../parts/x.txt": "old\n"}
    lab.release("1.0.0", files)
    lab.render("one")
    lab.release("1.1.0", {"../../parts/x.txt": "new\n"})
    lab.update("one")
    assert lab.read("one", "a.py").strip() == "new"
