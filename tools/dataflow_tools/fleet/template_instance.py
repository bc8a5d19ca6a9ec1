"""The workflows of a project, and the project itself, as instances of a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.suggestion import nearest_few
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, Answers, AnswersError, read_answers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.shared.project import Project

# What the project itself is called among the workflows. No workflow can have this name.
PROJECT = "(project)"


@dataclass(frozen=True)
class Instance:
    """A workflow's folder, with no link on the way to it, or the project's."""

    name: str
    folder: Path

    @property
    def is_project(self) -> bool:
        """Whether this is the project itself, whose folder holds much that is not its own."""
        return self.name == PROJECT

    @property
    def command(self) -> str:
        """The command that updates it."""
        return f"dataflow workflow update {'--project' if self.is_project else self.name}"

    @property
    def is_managed(self) -> bool:
        """Whether a template rendered it, so that it can be updated at all."""
        return (self.folder / ANSWERS_FILE).is_file()

    def answers(self) -> Answers:
        """Read its answers file.

        Raises:
            AnswersError: As `read_answers` raises it, or the answers are those of the other kind:
                what is made of them would be nothing that belongs here.
        """
        answers = read_answers(self.folder / ANSWERS_FILE)
        # A template of somebody's own may ask nothing of the kind.
        said = answers.some(["kind"]).get("kind")
        kind = "project" if self.is_project else "workflow"
        if said in ("project", "workflow") and said != kind:
            raise AnswersError(
                f"{answers.path} says `kind: {said}`, and this is a {kind}.",
                f"Restore it from git, or write `kind: {kind}` if all else in it is the {kind}'s.",
            )
        return answers


def project_instance(project: Project) -> Instance:
    """The project itself."""
    return Instance(PROJECT, project.root.resolve())


def find_instances(project: Project, names: Sequence[str]) -> list[Instance]:
    """Find workflows by name, or all of them, in the order of their names.

    Raises:
        BadInputError: A name is not that of a workflow; all such names are listed.
    """
    from dataflow.workflows.registry import list_workflow_ids

    # As git names it, so that nobody has to resolve a thousand folders again.
    root = project.workflows_dir.resolve()
    managed = {path.parent.name for path in root.glob(f"*/{ANSWERS_FILE}")}
    known = sorted({*managed, *list_workflow_ids(project)})
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        close = {match for name in unknown for match in nearest_few(name, known, 2)}
        meant = f"Did you mean {' or '.join(f'`{name}`' for name in sorted(close))}? "
        raise BadInputError(
            f"There is no workflow named {', '.join(unknown)}.",
            f"{meant if close else ''}`dataflow workflow list` shows all of them.",
        )
    return [Instance(name, root / name) for name in sorted(set(names) or known)]
