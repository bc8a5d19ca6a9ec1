"""Files that belong to people, which the template renames, drops or calls differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet.answers_file import read_answers
from dataflow_tools.fleet.drift import survey_workflows
from dataflow_tools.fleet.own_files import (
    Interface,
    OwnFileHistory,
    _people_s,
    own_file_notes,
)
from dataflow_tools.fleet.render_cache import RenderCache
from dataflow_tools.fleet.report import report_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.fleet.conftest import Lab

OWN = "_skip_if_exists: [README.md, ingestion.py, extraction.py, transform.py, tests]\n"
OLD = "def extract_data(params: dict[str, int] | None = None) -> dict:\n    return {}\n"
NEW = "def extract_rows(params: dict, *, since: str = '(now)') -> dict:\n    return {}\n"
MINE = OLD.replace("{}", "{'mine': 1}")
DROPPED = (
    "ingestion.py is yours, and the template has none since 1.1.0, so that nothing of the template "
    "uses it any more. It has extraction.py instead: move your code there, then delete "
    "ingestion.py."
)
CHANGED = (
    "ingestion.py is yours, and job.py calls extract_rows(params, since), while yours does not "
    "have it. Change ingestion.py to what is called."
)
JOB = "from .{} import {}\n"


def notes(lab: Lab, *, planned: bool = False) -> list[str]:
    """What an update says of the workflow, also where a hundred others are updated."""
    report = lab.update(plan_only=planned)
    found = next(one.notes for one in report.outcomes if one.workflow_id == "one")
    shown = "\n".join(report_lines(report, lambda text, _: text))
    assert all(note in shown for note in found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("own", [OWN, OWN.replace("ingestion.py, ", "")])
def test_a_file_of_yours_that_the_template_renames_is_told_until_it_is_gone(
    lab: Lab, own: str
) -> None:
    """Each update and status say so, with what to do; a file of one's own is nobody's business."""
    files = {"ingestion.py": OLD, "job.py": JOB.format("ingestion", "extract_data")}
    base = lab.config
    lab.release("1.0.0", files, config=base + OWN)
    lab.render("one", *(f"other_{n}" for n in range(12)))
    lab.edit("one", {"ingestion.py": MINE, "tests/test_mine.py": "mine\n"})
    renamed = {"ingestion.py": None, "extraction.py": OLD}
    job = JOB.format("extraction", "extract_data")
    # Whether or not it goes on calling the old name people's.
    lab.release("1.1.0", {**renamed, "job.py": job}, config=base + own)
    lab.release("1.2.0", {"job.py": "# more\n" + JOB.format("extraction", "extract_data")})

    planned = notes(lab, planned=True)
    done = notes(lab)
    lab.commit()
    again = notes(lab)

    assert planned == done == again == [DROPPED]
    surveys, _ = survey_workflows(lab.project, ["one"], with_drift=False)
    assert surveys[0].notes == again
    assert lab.read("one", "ingestion.py") == MINE
    lab.edit("one", {"ingestion.py": None, "extraction.py": MINE})
    assert notes(lab) == []


def test_a_file_that_the_template_renders_by_another_name_of_its_own_is_none_of_it(
    lab: Lab,
) -> None:
    """Where an answer makes the name, the file is there as before: nobody is told to delete it."""
    made = "{% if title %}{{ title or 'x' }}{% endif %}"
    lab.release("1.0.0", {"tests/sample.json": "{}\n", "a": "1\n"}, config=lab.config + OWN)
    lab.render("one", title="sample")
    named = {"tests/sample.json": None, f"tests/{made}.json.jinja": "{}\n", "a": "2\n"}
    lab.release("1.1.0", named)
    assert notes(lab) == []
    assert lab.read("one", "tests/sample.json") == "{}\n"


@pytest.mark.slow
def test_a_changed_interface_is_told_where_it_is_used(lab: Lab) -> None:
    """A function that the template calls in another way, or by another name, is named each time."""
    files = {"ingestion.py": OLD, "transform.py": "def run(data):\n    pass\n"}
    job = JOB.format("ingestion", "extract_data")
    lab.release("1.0.0", {**files, "job.py": job}, config=lab.config + OWN)
    lab.render("one", "two")
    lab.edit("one", {"ingestion.py": MINE, "README.md": "mine\n"})
    lab.release("1.1.0", {"ingestion.py.jinja": NEW, "ingestion.py": None})
    assert notes(lab) == []
    lab.commit()
    lab.release("1.2.0", {"job.py": JOB.format("ingestion", "extract_rows")})

    found = notes(lab)

    assert found == [CHANGED]
    lab.commit()
    assert notes(lab) == found
    # Whoever has it in a way of their own has seen to it.
    lab.edit("one", {"ingestion.py": NEW.replace("params: dict", "own")})
    assert notes(lab) == []
    lab.edit("one", {"ingestion.py": NEW})
    assert notes(lab) == []


def test_what_is_called_is_held_against_what_a_file_has(tmp_path: Path) -> None:
    """Only a function as an earlier release had it is told of, and only where somebody calls it."""
    (tmp_path / "job.py").write_text(JOB.format("ingestion", "extract_data"))
    earlier: Interface = {"extract_data": ("a",)}
    current: Interface = {"extract_data": ("a", "b"), "unused": ()}
    history = OwnFileHistory(changed={"ingestion.py": ((earlier,), current)})
    told = (
        "ingestion.py is yours, and job.py calls extract_data(a, b), while yours has "
        "extract_data({}). Change ingestion.py to what is called."
    )
    for parameters, notes in (("a", [told.format("a")]), ("a, b", []), ("mine", [])):
        (tmp_path / "ingestion.py").write_text(f"def extract_data({parameters}): ...\n")
        assert own_file_notes(history, tmp_path, {}) == notes
    (tmp_path / "ingestion.py").write_text("def extract_data(a): ...\n")
    silent: dict[str, bytes | None] = {"job.py": b"# calls nothing\n"}
    assert own_file_notes(history, tmp_path, silent) == []
    # Tests are people's, and see to what they call; a module that is to come does not.
    calls = b"extract_data()\n"
    assert own_file_notes(history, tmp_path, {**silent, "tests/test_it.py": calls}) == []
    [note] = own_file_notes(history, tmp_path, {"job.py": None, "new.py": calls})
    assert note == told.format("a").replace("job.py", "new.py")
    (tmp_path / "ingestion.py").write_text("half a line (\n")
    assert own_file_notes(history, tmp_path, {}) == []


def test_a_dropped_file_is_told_while_it_is_there(tmp_path: Path) -> None:
    """With what came in its place, if anything did."""
    came = OwnFileHistory(dropped={"a.py": ("1.1.0", ("b.py", "c.py"))})
    assert own_file_notes(came, tmp_path, {}) == []
    (tmp_path / "a.py").touch()
    begins = (
        "a.py is yours, and the template has none since 1.1.0, so that nothing of the template "
        "uses it any more. "
    )
    instead = "It has b.py and c.py instead: move your code there, then delete a.py."
    assert own_file_notes(came, tmp_path, {}) == [begins + instead]
    gone = OwnFileHistory(dropped={"a.py": ("1.1.0", ())})
    assert own_file_notes(gone, tmp_path, {}) == [
        f"{begins}Move what you need from it, then delete a.py."
    ]


def test_releases_are_looked_at_up_to_the_one_that_is_rendered(lab: Lab) -> None:
    """What a later release has or drops is nobody's business before an update to it."""
    lab.release("1.0.0", {"ingestion.py": OLD}, config=lab.config + OWN)
    lab.release("1.1.0", {"ingestion.py": None, "extraction.py": OLD})
    lab.release("1.2.0", {"transform.py": OLD})
    lab.release("1.3.0", {"transform.py": None})
    for version, told in (("1.0.0", []), ("1.1.0", [DROPPED])):
        answers = f"_commit: {version}\n_src_path: {lab.template}\nkind: workflow\n"
        mine = {"ingestion.py": MINE, "transform.py": MINE}
        lab.edit("one", {".copier-answers.yml": answers, **mine})
        surveys, _ = survey_workflows(lab.project, ["one"], with_drift=False)
        assert surveys[0].notes == told


def test_the_functions_of_each_release_are_known(lab: Lab) -> None:
    """As they are called: public ones alone, without types and defaults, and however written."""
    first = (
        "def extract_data(params: dict[str, int] | None = None) -> dict:\n    return {}\n"
        "def _hidden(a): ...\n"
    )
    second = (
        "async def extract_data(\n    params, *, until: tuple[int, int] = (1, 2), **more\n): ...\n"
    )
    files = {"ingestion.py": first, "transform.py": OLD, "README.md": "1\n", "job.py": OLD}
    lab.release("1.0.0", {**files, "old.py": OLD}, config=lab.config + OWN + "")
    lab.release("1.1.0", {"ingestion.py": second, "README.md": "2\n", "job.py": NEW})
    lab.release("1.2.0", {"transform.py": None, "extraction.py": OLD, "old.py": None})
    answers = f"_commit: 1.0.0\n_src_path: {lab.template}\nkind: workflow\n"
    lab.edit("one", {".copier-answers.yml": answers})
    with RenderCache(lab.project.root) as cache:
        template = cache.template(str(lab.template))
        known = read_answers(lab.project.workflow_dir("one") / ".copier-answers.yml")
        found = cache.history(template, template.version("1.2.0"), known)
        early = cache.history(template, template.version("1.0.0"), known)
    assert found == OwnFileHistory(
        {"transform.py": ("1.2.0", ("extraction.py",))},
        {
            "ingestion.py": (
                ({"extract_data": ("params",)},),
                {"extract_data": ("params", "until")},
            )
        },
    )
    assert early == OwnFileHistory()


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ("_skip_if_exists: [a.py, sub/]\n", {"a.py", "sub/b.py"}),
        ("_skip_if_exists:\n  - a.py\n  - '{{ name }}.py'\nmore: 1\n", {"a.py"}),
        ("_skip_if_exists: a.py\n", {"a.py"}),
        ("_skip_if_exists:\n", set()),
        ("_skip_if_exists: [a.py\n", set()),
        ("other: 1\n", set()),
        ("", set()),
    ],
)
def test_what_a_release_leaves_to_people_is_read_out_of_its_settings(
    config: str, own: set[str]
) -> None:
    """One name or several; what has an answer in it, or cannot be read, names none."""
    found = _people_s(config)
    assert {path for path in ("a.py", "sub/b.py", "name.py") if found.match_file(path)} == own
