"""Doctor: versions of what is installed, against the project's pins and the template."""

from __future__ import annotations

import os
from importlib.metadata import version
from itertools import chain
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow.shared.finding import Finding
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow_tools.checks.installation import RUNTIME, TOOLS
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable
from dataflow_tools.fleet.library_install import install_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.drift import Survey

_NO_TEMPLATE = "the project is not from a template"


def diagnose_versions(project: Project, *, offline: bool) -> dict[str, Verdict]:
    """Compare the versions of what is installed, the project, its workflows and their template.

    Args:
        offline: Whether to leave the template, which may be on another machine, unasked.
    """
    pins = {"version pins": judged(_pins(project), f"{RUNTIME} {version(RUNTIME)}")}
    if offline:
        return {**pins, "template": not_applicable("not asked (--offline)")}
    # Git shall fail where it would ask for a password, and not wait for a host that is silent.
    os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")
    os.environ.setdefault("GIT_HTTP_LOW_SPEED_LIMIT", "1000")
    os.environ.setdefault("GIT_HTTP_LOW_SPEED_TIME", "15")
    return {
        **pins,
        "project template": _project_template(project),
        "workflow templates": _workflow_templates(project),
    }


def _pins(project: Project) -> Iterator[Finding]:
    """Where pyproject.toml wants another version of one of our distributions than is installed."""
    from packaging.requirements import InvalidRequirement, Requirement

    content = read_project_file(project.root / PROJECT_FILE).content
    groups = content.get("dependency-groups", {}).values()
    lines = [*content.get("project", {}).get("dependencies", []), *chain.from_iterable(groups)]
    for line in lines:
        try:
            # A group may also include another one, by a mapping.
            requirement = Requirement(str(line))
        except InvalidRequirement:
            continue
        if requirement.name not in (RUNTIME, TOOLS):
            continue
        installed = version(requirement.name)
        if not requirement.specifier.contains(installed, prereleases=True):
            yield Finding(
                f"pyproject.toml wants {requirement.name}{requirement.specifier}, and {installed} "
                "is installed.",
                install_command(project.root),
            )


def _project_template(project: Project) -> Verdict:
    from dataflow_tools.fleet.answers_file import ANSWERS_FILE, read_answers
    from dataflow_tools.fleet.versions import open_template

    if not (project.root / ANSWERS_FILE).is_file():
        return not_applicable(_NO_TEMPLATE)
    try:
        answers = read_answers(project.root / ANSWERS_FILE)
        template = open_template(answers.source, project.root)
        at, latest = template.version(answers.commit), template.latest()
        is_behind = template.is_older(at, latest)
    except DataflowError as error:
        return judged([Finding.of(error)])
    findings = []
    if is_behind:
        reason = f"The project is at {at.name} of its template, which is at {latest.name}."
        findings.append(
            Finding(reason, "Commit your work, then run: dataflow workflow update --all --project")
        )
    return judged(findings, " ".join([at.name, *template.notes]))


def _workflow_templates(project: Project) -> Verdict:
    from dataflow_tools.fleet.drift import State, survey_workflows
    from dataflow_tools.fleet.template_instance import PROJECT

    try:
        surveys, notes = survey_workflows(project, with_drift=False)
    except DataflowError as error:
        return judged([Finding.of(error)])
    surveys = [survey for survey in surveys if survey.workflow_id != PROJECT]
    findings = []
    behind = [survey for survey in surveys if survey.state is State.BEHIND]
    if behind:
        names = _some([survey.workflow_id for survey in behind])
        reason = f"Behind {behind[0].latest} of their template: {names}."
        told = "See what would change: dataflow workflow update --all --plan"
        findings.append(Finding(reason, told))
    # A template that cannot be had is one finding, however many workflows came of it.
    unknown: dict[str, list[Survey]] = {}
    for survey in surveys:
        if survey.state is State.UNKNOWN:
            unknown.setdefault(survey.instruction or "See the answers file.", []).append(survey)
    for instruction, same in unknown.items():
        names = _some([survey.workflow_id for survey in same])
        findings.append(Finding(f"{names}: {same[0].reason}", instruction))
    findings += [
        Finding(f"{survey.workflow_id} has open conflicts.", "Resolve them, then git add.")
        for survey in surveys
        if survey.conflicts
    ]
    return judged(findings, "; ".join([f"{len(surveys)} workflows", *notes]))


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
