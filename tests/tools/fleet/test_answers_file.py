"""Reading an answers file, all or a little of it, and recording another version in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dataflow_tools.fleet.answers_file import Answers, AnswersError, read_answers, with_origin

TEXT = """\
# Written by the template.
_commit: v1
_src_path: /t
columns:
-   name: a
folded: one
    two
kind: workflow
number: 5
"""


def answers(tmp_path: Path, text: str = TEXT) -> Answers:
    path = tmp_path / ".copier-answers.yml"
    path.write_bytes(text.encode())
    return read_answers(path)


def test_a_file_says_where_it_is_from_and_what_was_answered(tmp_path: Path) -> None:
    """Names that begin with an underscore are Copier's own."""
    found = answers(tmp_path)
    assert (found.source, found.commit) == ("/t", "v1")
    assert found.values == {
        "columns": [{"name": "a"}],
        "folded": "one two",
        "kind": "workflow",
        "number": 5,
    }


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["kind", "number"], {"kind": "workflow", "number": 5}),
        (["folded"], {"folded": "one two"}),
        (["columns", "kind"], {"columns": [{"name": "a"}], "kind": "workflow"}),
        (["name", "two", "nothing"], {}),
    ],
    ids=["on one line", "on two lines", "nested", "not there"],
)
def test_a_few_answers_are_those_of_the_whole_file(
    tmp_path: Path, names: list[str], wanted: dict[str, object]
) -> None:
    """However they are written, and without those that are not at the top."""
    assert answers(tmp_path).some(names) == wanted


def test_a_key_that_comes_twice_is_read_as_yaml_does(tmp_path: Path) -> None:
    """The last one counts, for the template as for an answer."""
    found = answers(tmp_path, TEXT + "kind: project\n_commit: v2\n")
    assert (found.commit, found.some(["kind"])) == ("v2", {"kind": "project"})


@pytest.mark.parametrize("commit", ["1.0", "2024", "v1"])
def test_a_version_that_looks_like_a_number_is_a_name(tmp_path: Path, commit: str) -> None:
    """A tag such as 1.0 is read as text."""
    assert answers(tmp_path, f"_commit: {commit}\n_src_path: /t\n").commit == commit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_commit: v1\n", "does not name a template"),
        ("_src_path: /t\n", "records no version"),
        ("_src_path: [/t]\n_commit: v1\n", "does not name a template"),
        ("a: [\n", "is not valid YAML"),
        (
            "<<<<<<< a\n_commit: v1\n=======\n_commit: v2\n>>>>>>> b\n",
            r"line 1: a merge has left both sides here(?s:.)*Correct it, `git add` it and commit\.",
        ),
        ("- a\n", "does not name a template"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With the reason, and never with a traceback."""
    with pytest.raises(AnswersError, match=words):
        answers(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "_commit: v1\n_src_path: /t\n",
        "_src_path: /t\nkind: x\n_commit: v1\n",
        "_src_path: >-\n  /other\n_commit: 'v1'\nkind: x\n",
        "kind: x\n_src_path: /other\n",
        "_commit: v1\nkind: x\n_src_path: /t",
        'note: "\\n_commit: no"\n_commit: v1\n_src_path: /t\n',
    ],
)
def test_recording_a_version_changes_nothing_else(text: str) -> None:
    """The other answers are what they were, and the two lines are as Copier writes them."""
    before, changed = yaml.safe_load(text), with_origin(text, "/t", "v2")
    assert yaml.safe_load(changed) == before | {"_commit": "v2", "_src_path": "/t"}
    assert "_commit: v2\n" in changed
    untouched = [line for line in text.splitlines() if line.startswith("kind")]
    assert [line for line in changed.splitlines() if line.startswith("kind")] == untouched


def test_a_text_without_a_template_cannot_be_recorded_in() -> None:
    """A template's answers file has to hold what Copier knows."""
    for text in ("kind: x\n", "- a\n", ""):
        with pytest.raises(AnswersError, match="has no `_src_path`"):
            with_origin(text, "/t", "v2")


@pytest.mark.parametrize("name", ["folder", "bytes"])
def test_a_file_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    """With its place and what to do."""
    path = tmp_path / ".copier-answers.yml"
    if name == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AnswersError, match="cannot be read"):
        read_answers(path)


def test_a_file_that_yaml_cannot_read_at_all_is_an_error_of_ours(tmp_path: Path) -> None:
    """Also where its reader names no line."""
    path = tmp_path / ".copier-answers.yml"
    path.write_text("_commit: |\n  1\nb: \x07\n")
    with pytest.raises(AnswersError, match="is not valid YAML"):
        read_answers(path)


def test_two_versions_in_a_text_leave_what_is_inside_a_value_alone() -> None:
    """Only the key of the top level is the record."""
    text = "_src_path: /a\nnote: |\n  x\n_commit: 1.0.0\nother:\n  _commit: 0.9.0\n"
    changed = with_origin(text, "/a", "1.1.0")
    assert changed == text.replace("_commit: 1.0.0", "_commit: 1.1.0")
    quoted = "_src_path: '/a'\n_commit: 1.0.0\nx: 1\n"
    assert with_origin(quoted, "/b", "2.0.0") == "_src_path: /b\n_commit: 2.0.0\nx: 1\n"
    bare = "# by Copier\n_src_path: /a\nx: 1\n"
    assert with_origin(bare, "/a", "2.0.0") == "# by Copier\n_commit: 2.0.0\n_src_path: /a\nx: 1\n"
