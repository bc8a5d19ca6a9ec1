"""Files that belong to people, which the template renames, drops or calls differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet.drift import survey_workflows
from dataflow_tools.fleet.report import report_lines

if TYPE_CHECKING:
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


@pytest.mark.slow
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
