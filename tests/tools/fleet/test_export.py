"""A version of a template as files: its questions, and the folder that is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet.export import Export, is_answers_file
from dataflow_tools.fleet.versions import Template, TemplateError, Version

if TYPE_CHECKING:
    from pathlib import Path


def export_of(folder: Path, config: str | None, *names: str) -> Export:
    """A version with these questions and files."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"of {name}\n")
    if config is not None:
        (folder / "copier.yml").write_text(config)
    # A commit of its own for each, since what is rendered is remembered by it.
    return Export(Template(str(folder), folder), Version("1.0.0", str(folder)), folder)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (None, {}),
        ("", {}),
        ("- a list\n", {}),
        ("a: 1\n", {"a": 1}),
        ("---\na: 1\n", None),
        ("a: 1\n---\nb: 2\n", None),
        ("!include more.yml\n", None),
    ],
)
def test_questions_are_those_of_one_document(
    tmp_path: Path, text: str | None, config: dict[str, int] | None
) -> None:
    """Of several, nothing is known; of none, that there are none."""
    export = export_of(tmp_path / "v", text)
    assert export.config == config
    assert export.config_file == (None if text is None else "copier.yml")


def test_questions_that_are_no_yaml_are_an_error_of_the_template(tmp_path: Path) -> None:
    """With the file and the version."""
    with pytest.raises(
        TemplateError, match=r"copier\.yml of template version 1\.0\.0 is not valid"
    ):
        _ = export_of(tmp_path / "v", "a: [").config


@pytest.mark.parametrize(
    ("config", "answers", "part"),
    [
        ("", {}, "."),
        ("_subdirectory: template\n", {}, "template"),
        ("_subdirectory: template/{{ kind }}\n", {"kind": "workflow"}, "template/workflow"),
        ("_subdirectory: template/{{ kind }}\n", {"kind": "nothing"}, "."),
        ("_subdirectory: nowhere\n", {}, "."),
        ("_subdirectory: '{{ kind }'\n", {"kind": "template"}, "."),
    ],
)
def test_the_folder_that_is_rendered_is_as_the_answers_say(
    tmp_path: Path, config: str, answers: dict[str, str], part: str
) -> None:
    """All of the template where there is no such folder."""
    export = export_of(tmp_path / "v", config, "template/workflow/a.py", "template/b.py")
    assert export.subdirectory(answers) == part


def test_the_files_of_a_folder_are_told_by_their_paths_in_it(tmp_path: Path) -> None:
    """Of the whole, the questions are no file of it; a part of them can be copied."""
    answers = "{{ _copier_conf.answers_file }}.jinja"
    export = export_of(tmp_path / "v", "a: 1\n", "t/a.py", "t/deep/b.py", f"t/{answers}", "t2/c.py")
    assert set(export.part("t")) == {"a.py", "deep/b.py", answers}
    assert set(export.part(".")) == {"t/a.py", "t/deep/b.py", f"t/{answers}", "t2/c.py"}
    export.copy_some(tmp_path / "some", "t", ["deep/b.py"])
    copied = {p.relative_to(tmp_path / "some").as_posix() for p in (tmp_path / "some").rglob("*.*")}
    assert copied == {"copier.yml", "t/deep/b.py", f"t/{answers}"}
    export.copy_some(tmp_path / "whole", ".", ["t/a.py"])
    assert (tmp_path / "whole" / "t" / "a.py").read_text() == "of t/a.py\n"
    bare = export_of(tmp_path / "bare", None, "a.py")
    bare.copy_some(tmp_path / "none", ".", ["a.py"])
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["a.py"]


def test_files_that_name_the_template_need_its_repository(tmp_path: Path) -> None:
    """Or the questions do; what the answers file names is known without it."""
    export = export_of(tmp_path / "v", "_subdirectory: t\n", "t/a.py", "t/.copier-answers.yml")
    for name in ("t/.copier-answers.yml", "a.py"):
        (tmp_path / "v" / name).write_text("{{ _copier_conf.vcs_ref_hash }}")
    assert not export.needs_repository("t")
    (tmp_path / "v" / "t" / "a.py").write_text("{{ _copier_conf.vcs_ref_hash }}")
    assert export_of(tmp_path / "v", None).needs_repository("t")
    (tmp_path / "v" / "t" / "a.py").write_text("plain")
    assert export_of(tmp_path / "v", "a: '{{ _copier_conf.src_path }}'\n").needs_repository("t")


def test_an_answers_file_is_known_by_its_last_name() -> None:
    """By the name that Copier gives it, or by that of the question that says it."""
    for name in (".copier-answers.yml", "a/.copier-answers.yml.jinja", "{{ answers_file }}.jinja"):
        assert is_answers_file(name)
    for name in ("answers_file/a.py", "copier-answers.md", "a/.copier-answers.yml/b"):
        assert not is_answers_file(name)
