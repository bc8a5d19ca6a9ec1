"""Wherever Copier is right, the engine does what ``copier.run_update`` does.

Copier runs in an isolated copy of the project, with so much context that it merges whole files.
Each random history is that of one file; many files share a workflow, since one run of Copier
takes as long for one file as for fifty. ``DATAFLOW_TEST_HISTORIES`` asks for more of them.

The engine differs on purpose, each case with a test in ``test_update.py``:

- a file that the template deletes and a person edited is kept;
- a file that the template renames takes the person's edits along;
- a file that a person renamed gets what the template changed in it;
- a binary that a person changed is kept, and marked as a conflict if the template changed it too;
- an edited file that git ignores is never replaced;
- a file whose line ends alone were changed merges line by line, and so does a last line that has
  lost its end (``test_merge.py``): each history here has one or has none;
- an edited *generated* file is replaced;
- a *yours* file that was deleted stays deleted, and is kept when the template drops it;
- an answer that is not valid any more stops the update of that workflow;
- the template's executable bit also reaches a file whose content had to be merged;
- a file where a folder has to go, or the other way round, stops the update of that workflow;
- a template with uncommitted changes gives its last commit, never a version of its own.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.tools.fleet.material import MINE, TEN, THEIRS

from dataflow.shared.project import Project
from dataflow_tools.fleet.tree import Entry, read_tree
from dataflow_tools.fleet.update import Request, update_workflows

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Content, Lab

pytestmark = pytest.mark.slow

HISTORIES = int(os.environ.get("DATAFLOW_TEST_HISTORIES", "240"))
PER_RUN = 60
REPOSITORY = Path(__file__).resolve().parents[3]
LABELS = {
    b"<<<<<<< before updating": b"<<<<<<< yours",
    b"||||||| last update": b"||||||| template 1.0.0",
    b">>>>>>> after updating": b">>>>>>> template 1.1.0",
}

# The hash of nothing.
EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

Files = dict[str, "Content"]


Outcome = tuple[dict[str, Entry], set[str]]


def update_by_copier(project: Path, name: str) -> Outcome:
    """Update a workflow as Copier does; its files, and the conflicts in git's index."""
    import copier

    folder = Project(project).workflow_dir(name)
    copier.run_update(
        folder,
        defaults=True,
        overwrite=True,
        quiet=True,
        conflict="inline",
        context_lines=99_999,
    )
    return _outcome(project, folder)


def update_by_engine(project: Path, name: str) -> Outcome:
    """Update a workflow with the engine; its files, and the conflicts in git's index."""
    update_workflows(Project(project), Request(names=(name,)))
    return _outcome(project, Project(project).workflow_dir(name))


def _outcome(project: Path, folder: Path) -> Outcome:
    listing = subprocess.run(
        ["git", "ls-files", "--unmerged"], cwd=project, check=True, capture_output=True, text=True
    )
    # Copier records the person's mode on all three sides, and an empty base where there was none.
    conflicts = {line.split(" ", 1)[1] for line in listing.stdout.splitlines()}
    conflicts = {line for line in conflicts if not line.startswith(f"{EMPTY} 1")}
    files = {}
    for path, entry in read_tree(folder).items():
        data = entry.data
        for theirs, ours in LABELS.items():
            data = data.replace(theirs, ours)
        files[path] = Entry(data, entry.executable, entry.link)
    return files, conflicts


def compare(lab: Lab, tmp_path: Path, name: str = "one") -> None:
    """Update two copies of the project, one by each, and require the same."""
    copy = tmp_path / "by copier" / "project"
    shutil.copytree(lab.project.root, copy, symlinks=True)
    expected, expected_index = update_by_copier(copy, name)
    found, index = update_by_engine(lab.project.root, name)
    assert found.keys() == expected.keys()
    for path, entry in expected.items():
        assert found[path] == entry, path
    assert index == expected_index


def history(chance: random.Random, number: int) -> tuple[Content, Content, Content]:
    """One file's past: as the template had it, as it has it now, as a person left it."""
    length = chance.randint(1, 25)
    # Some lines are alike in all places, as in YAML and SQL, and some are this file's own.
    pool = ["- name: x", "  type: y", "", "  - select", *(f"{number} {n}" for n in range(12))]
    base = [chance.choice(pool) for _ in range(length)] + [f"end of {number}", f"{number}", "."]
    # As files are that now and then have no line end at the end.
    end = "" if chance.random() < 0.1 else "\n"
    kinds = chance.random()
    if kinds < 0.05:
        return None, text(base, end), None
    if kinds < 0.1:
        return None, text(base, end), text(changed(chance, base, pool), end)
    start = text(base, end)
    theirs: Content = text(changed(chance, base, pool), end) if chance.random() < 0.8 else start
    ours: Content = text(changed(chance, base, pool), end) if chance.random() < 0.7 else start
    if chance.random() < 0.05:
        ours = None
    elif chance.random() < 0.05:
        theirs, ours = None, start
    return start, theirs, ours


def changed(chance: random.Random, lines: list[str], pool: list[str]) -> list[str]:
    """A person's or a template's edit: a few lines added, dropped or replaced."""
    result = list(lines)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(result) + 1)
        kind = chance.choice(("add", "drop", "replace"))
        if kind != "add":
            del result[place : place + chance.randint(1, 2)]
        if kind != "drop":
            result[place:place] = [chance.choice(pool) for _ in range(chance.randint(1, 3))]
    return result


def text(lines: list[str], end: str) -> str:
    """Lines as a file, with what the last of them ends in."""
    return "\n".join(lines) + end


@pytest.mark.parametrize("seed", range(max(1, HISTORIES // PER_RUN)))
def test_random_edit_histories_end_as_with_copier(lab: Lab, tmp_path: Path, seed: int) -> None:
    """Files of random histories have the same content, mode and conflicts after both."""
    chance = random.Random(seed)  # noqa: S311 (the same histories each time)
    past = {f"part{n % 7}/file{n}.txt": history(chance, n) for n in range(PER_RUN)}
    lab.release("1.0.0", {name: base for name, (base, _, _) in past.items()})
    lab.render("one")
    lab.release(
        "1.1.0",
        {name: theirs for name, (_, theirs, _) in past.items()},
        executable=tuple(
            name
            for name, (base, theirs, ours) in past.items()
            if theirs is not None and base in {theirs, ours} and chance.random() < 0.1
        ),
    )
    edits = {name: ours for name, (base, _, ours) in past.items() if ours != base}
    lab.edit("one", edits, tuple(name for name in edits if chance.random() < 0.1))
    compare(lab, tmp_path)


LATIN = TEN.encode("latin-1").replace(b"line 5", b"caf\xe9")
QUESTIONS = """\
_subdirectory: template/{{ kind }}
_answers_file: .copier-answers.yml
_preserve_symlinks: true
kind: {type: str, choices: [workflow, project], default: workflow}
"""
# For each case what the template had, what it has now, and what a person did.
CASES: dict[str, tuple[Files, Files, Files]] = {
    "nothing edited": ({"a": TEN, "b/c": TEN}, {"a": THEIRS, "b/c": None, "d/e": TEN}, {}),
    "edited apart": ({"a": TEN}, {"a": THEIRS}, {"a": MINE}),
    "the same edit": ({"a": TEN}, {"a": THEIRS}, {"a": THEIRS}),
    "overlapping edits": (
        {"a": TEN},
        {"a": TEN.replace("line 4", "theirs")},
        {"a": TEN.replace("line 4", "mine")},
    ),
    "edits side by side": (
        {"a": TEN},
        {"a": TEN.replace("line 4", "theirs")},
        {"a": TEN.replace("line 5", "mine")},
    ),
    "edited, template silent": ({"a": TEN, "b": TEN}, {"b": THEIRS}, {"a": MINE}),
    "deleted, template changed it": ({"a": TEN, "b": TEN}, {"a": THEIRS}, {"a": None}),
    "deleted by both": ({"a": TEN, "b": TEN}, {"a": None}, {"a": None}),
    "added by a person": ({"a": TEN}, {"a": THEIRS}, {"new/mine": "mine\n"}),
    "added alike by both": ({"a": TEN}, {"b": "same\n"}, {"b": "same\n"}),
    "added differently by both": ({"a": TEN}, {"b": "theirs\n"}, {"b": "mine\n"}),
    "added empty by a person": ({"a": TEN}, {"b": "theirs\n"}, {"b": ""}),
    "added empty by the template": ({"a": TEN}, {"b": ""}, {"b": "mine\n"}),
    "emptied by a person": ({"a": TEN}, {"a": THEIRS}, {"a": ""}),
    "emptied by the template": ({"a": TEN}, {"a": ""}, {"a": MINE}),
    "no line end at the end": (
        {"a": TEN.rstrip("\n")},
        {"a": THEIRS.rstrip("\n")},
        {"a": MINE.rstrip("\n")},
    ),
    "a line end added at the end": ({"a": TEN.rstrip("\n")}, {"a": THEIRS}, {"a": MINE[:-1]}),
    "windows line ends on all sides": (
        {"a": TEN.replace("\n", "\r\n")},
        {"a": THEIRS.replace("\n", "\r\n")},
        {"a": MINE.replace("\n", "\r\n")},
    ),
    "a conflict with windows line ends": (
        {"a": TEN.replace("\n", "\r\n")},
        {"a": TEN.replace("line 4", "theirs").replace("\n", "\r\n")},
        {"a": TEN.replace("line 4", "mine").replace("\n", "\r\n")},
    ),
    "mixed line ends": (
        {"a": TEN.replace("5\n", "5\r\n")},
        {"a": THEIRS.replace("5\n", "5\r\n")},
        {"a": MINE.replace("5\n", "5\r\n")},
    ),
    "not utf-8": (
        {"a": LATIN},
        {"a": LATIN.replace(b"line 8", b"\xdf")},
        {"a": LATIN.replace(b"line 1", b"\xfc")},
    ),
    "odd names": (
        {"a b": TEN, "ünï cöde": TEN, "quo'te\"s": TEN, "-dash": TEN, "[x]*": TEN},
        {"a b": THEIRS, "ünï cöde": THEIRS, "quo'te\"s": THEIRS, "-dash": THEIRS, "[x]*": THEIRS},
        {"a b": MINE, "ünï cöde": MINE, "quo'te\"s": None, "-dash": MINE, "[x]*": MINE},
    ),
    "a link turned by the template": ({"a": "->x", "b": TEN}, {"a": "->y"}, {"b": MINE}),
    "a binary changed by the template": ({"a": b"\0old"}, {"a": b"\0new"}, {}),
    "marker-like lines in a file": (
        {"a": "=======\n" + TEN},
        {"a": "=======\n" + THEIRS},
        {"a": "=======\n>>>>>>> \n" + MINE},
    ),
    "blocks that look alike": (
        {"a": "- x\n  y\n" * 8},
        {"a": "- x\n  y\n" * 10},
        {"a": "- x\n  y\n" * 3 + "- x\n  mine\n" + "- x\n  y\n" * 4},
    ),
}


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_conflict_styles_of_git_are_honoured_as_by_copier(
    lab: Lab, tmp_path: Path, style: str
) -> None:
    """Whoever has git show the base of a conflict sees it here too."""
    lab.git("config", "merge.conflictStyle", style)
    base, theirs, ours = CASES["overlapping edits"]
    lab.release("1.0.0", base)
    lab.render("one")
    lab.edit("one", ours)
    lab.release("1.1.0", theirs)
    compare(lab, tmp_path)
    assert ("||||||| template 1.0.0" in lab.read("one", "a")) == (style != "merge")


def test_hand_made_cases_end_as_with_copier(lab: Lab, tmp_path: Path) -> None:
    """Each kind of change on either side ends in the same files and conflicts."""

    def all_cases(side: int) -> Files:
        return {
            f"{case}/{name}": content
            for case, sides in CASES.items()
            for name, content in sides[side].items()
        }

    lab.release("1.0.0", all_cases(0), config=QUESTIONS)
    lab.render("one")
    lab.release("1.1.0", all_cases(1))
    lab.edit("one", all_cases(2))
    compare(lab, tmp_path)


def test_answers_and_conditional_files_end_as_with_copier(lab: Lab, tmp_path: Path) -> None:
    """New, dropped, computed and typed answers, and files that hang on them, are the same."""
    old = QUESTIONS + "gone: {type: str, default: x}\nflag: {type: bool, default: false}\n"
    files = {
        "{% if flag %}on{% endif %}.py.jinja": "on\n",
        "{% if not flag %}off{% endif %}.py.jinja": "off\n",
        "text.md.jinja": "{{ kind }} {{ _folder_name }} {{ flag }}\n",
    }
    lab.release("1.0.0", files, config=old)
    lab.render("one")
    new = """
flag: {type: bool, default: true}
columns: {type: yaml, default: "[{name: a, tests: [x]}]"}
count: {type: int, default: 7}
shout: {type: str, default: "{{ kind | upper }}", when: false}
asked: {type: str, default: maybe, when: "{{ flag }}"}
"""
    more = {"text.md.jinja": "{{ kind }} {{ _folder_name }} {{ flag }} {{ count }} {{ shout }}\n"}
    lab.release("1.1.0", more, config=QUESTIONS + new)
    lab.edit("one", {"off.py": "off\nmine\n"})
    compare(lab, tmp_path)
    assert "count: 7" in lab.read("one", ".copier-answers.yml")


@pytest.mark.parametrize("seed", range(3))
def test_this_repositorys_template_updates_as_with_copier(
    lab: Lab, tmp_path: Path, seed: int
) -> None:
    """Our own template, changed all over, and a workflow edited all over, end the same."""
    chance = random.Random(seed)  # noqa: S311 (the same edits each time)
    shutil.rmtree(lab.template / "template")
    shutil.copytree(REPOSITORY / "template", lab.template / "template")
    config = (REPOSITORY / "copier.yml").read_text(encoding="utf-8")
    lab.release("1.0.0", config=config)
    lab.render("one", **({"use_dbt": "false"} if seed else {}))
    folder = lab.project.workflow_dir("one")
    # An edited generated file is replaced, as told above.
    left_out = {".copier-answers.yml", *yaml.safe_load(config)["_generated"]}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in left_out and chance.random() < 0.6:
            path.write_text(edited(chance, path, "mine"), encoding="utf-8")
    lab.commit()
    for path in sorted((lab.template / "template" / "workflow").rglob("*")):
        if path.is_file() and "answers_file" not in path.name and chance.random() < 0.6:
            path.write_text(edited(chance, path, "theirs"), encoding="utf-8")
    lab.release("1.1.0", config=config.replace('default: "0.', 'default: "1.', 1))
    compare(lab, tmp_path)


def edited(chance: random.Random, path: Path, word: str) -> str:
    """The text of a file with a line more, at the beginning or the end of it."""
    text = path.read_text(encoding="utf-8")
    head = f"# {word}\n" if chance.random() < 0.5 else ""
    return f"{head}{text}" if head else f"{text}# {word}\n"
