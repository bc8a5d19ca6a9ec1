"""Doctor's look at versions: the library's against the project's, the template's against both."""

from __future__ import annotations

import os
import tomllib
from importlib.metadata import version
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.checks.diagnosis import Diagnosis, Problem, diagnosed, unasked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.drift import Survey

_RUNTIME = "dataflow-runtime"


def diagnose_versions(project: Project, *, offline: bool) -> list[Diagnosis]:
    """Compare the versions of library, project, workflows and template.

    Args:
        project: The project.
        offline: Whether to leave the template, which may be on another machine, unasked.
    """
    pin = diagnosed("runtime pin", _pin(project), f"{_RUNTIME} {version(_RUNTIME)}")
    if offline:
        return [pin, unasked("template", "not asked (--offline)")]
    # Git shall fail where it would ask for a password, and not wait for a host that is silent.
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")
    os.environ.setdefault("GIT_HTTP_LOW_SPEED_LIMIT", "1000")
    os.environ.setdefault("GIT_HTTP_LOW_SPEED_TIME", "15")
    return [pin, _project_template(project), _workflow_templates(project)]


def _pin(project: Project) -> Iterator[Problem]:
    from packaging.requirements import InvalidRequirement, Requirement

    text = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    installed = version(_RUNTIME)
    for line in tomllib.loads(text).get("project", {}).get("dependencies", []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name != _RUNTIME:
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield Problem(
                f"pyproject.toml wants {_RUNTIME}{requirement.specifier}, and {installed} is "
                "installed.",
                f"pip install '{line}'",
            )


def _project_template(project: Project) -> Diagnosis:
    from dataflow_tools.fleet.answers import ANSWERS_FILE, read_answers
    from dataflow_tools.fleet.versions import open_template

    name = "project template"
    if not (project.root / ANSWERS_FILE).is_file():
        return unasked(name, "the project was made by hand, from no template")
    try:
        answers = read_answers(project.root / ANSWERS_FILE)
        template = open_template(answers.source, project.root)
        at, latest = template.version(answers.commit), template.latest()
        is_behind = template.is_older(at, latest)
    except ImportError:
        return unasked(name, "copier is not installed")
    except DataflowError as error:
        return diagnosed(name, [Problem(error.reason, error.instruction)])
    problems = []
    if is_behind:
        reason = f"The project is at {at.name} of its template, which is at {latest.name}."
        problems.append(Problem(reason, "Commit your work, then run: copier update"))
    return diagnosed(name, problems, " ".join([at.name, *template.notes]))


def _workflow_templates(project: Project) -> Diagnosis:
    name = "workflow templates"
    try:
        from dataflow_tools.fleet.drift import State, survey_workflows

        surveys, notes = survey_workflows(project, with_drift=False)
    except ImportError:
        return unasked(name, "copier is not installed")
    except DataflowError as error:
        return diagnosed(name, [Problem(error.reason, error.instruction)])
    problems = []
    behind = [survey for survey in surveys if survey.state is State.BEHIND]
    if behind:
        names = _some([survey.workflow_id for survey in behind])
        problems.append(
            Problem(
                f"Behind {behind[0].latest} of their template: {names}.",
                "See what would change: dataflow workflow update --all --plan",
            )
        )
    # A template that cannot be had is one problem, however many workflows came of it.
    unknown: dict[str, list[Survey]] = {}
    for survey in surveys:
        if survey.state is State.UNKNOWN:
            unknown.setdefault(survey.instruction or "See the answers file.", []).append(survey)
    for instruction, same in unknown.items():
        names = _some([survey.workflow_id for survey in same])
        problems.append(Problem(f"{names}: {same[0].reason}", instruction))
    problems += [
        Problem(f"{survey.workflow_id} has open conflicts.", "Resolve them, then git add.")
        for survey in surveys
        if survey.conflicts
    ]
    return diagnosed(name, problems, "; ".join([f"{len(surveys)} workflows", *notes]))


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
