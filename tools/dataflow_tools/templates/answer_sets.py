"""Sets of answers to a template's questions, few of them, in which every two choices come together.

What a question offers stands in ``copier.yml``: choices, and yes or no. Which texts are worth a
trial only those know who made the template; they write them into ``template-check.yml`` beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from dataflow.shared.errors import BadInputError, MissingDependencyError
from dataflow_tools.templates.questions import choices_of, is_asked, questions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SAMPLES_FILE = "template-check.yml"
# The answer that says which of a template's folders is rendered, and what we call its parts.
KIND, WORKFLOW, PROJECT = "kind", "workflow", "project"

Answers = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Samples:
    """What ``template-check.yml`` says.

    Args:
        together: Groups of answers of workflows; in a set there is one entry of each group.
        always: Sets of answers of workflows to try as they are, by name.
    """

    together: list[list[Answers]] = field(default_factory=list)
    always: dict[str, Answers] = field(default_factory=dict)

    @property
    def settled(self) -> set[str]:
        """The questions that a group answers, so that their choices are no group of their own."""
        return {name for group in self.together for answers in group for name in answers}


def read_samples(folder: Path) -> Samples:
    """Read ``template-check.yml`` from a template's folder, where there is one.

    Raises:
        BadInputError: It is not as it has to be.
    """
    path = folder / SAMPLES_FILE
    if not path.is_file():
        return Samples()
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise BadInputError(f"{path} is not valid YAML: {error}", "Fix that line.") from error
    known = {"together", "always"}
    together = found.get("together") or [] if isinstance(found, dict) else None
    always = found.get("always") or {} if isinstance(found, dict) else None
    if (
        not isinstance(together, list)
        or not isinstance(always, dict)
        or not found.keys() <= known
        or not all(_is_group(group) for group in (*together, list(always.values()) or [{}]))
    ):
        raise BadInputError(
            f"{path} is not as `dataflow template check` reads it.",
            "Write `together:`, a list of lists of answers, and `always:`, answers by name: "
            "docs/template.md shows one.",
        )
    return Samples(together, {str(name): answers for name, answers in always.items()})


def _is_group(group: Any) -> bool:
    return isinstance(group, list) and bool(group) and all(isinstance(one, dict) for one in group)


def answer_sets(
    config: Mapping[str, Any], samples: Samples, *, most: int | None = None
) -> dict[str, Answers]:
    """Sets of answers of workflows: the defaults, the named ones, and all pairs of choices.

    Args:
        config: What ``copier.yml`` says.
        most: So many sets of pairs at most, spread over all of them.

    Returns:
        The sets by name; the name can be that of a workflow.
    """
    groups = [*samples.together, *_own_groups(config, samples.settled)]
    numbered = [(f"pair_{number}", answers) for number, answers in enumerate(_all_pairs(groups))]
    return {"plain": {}, **samples.always, **dict(spread(numbered, most))}


def spread(found: Sequence[T], most: int | None) -> list[T]:
    """So many at most, from the first to the last."""
    if most is None or len(found) <= most:
        return list(found)
    return [found[round(n * (len(found) - 1) / max(most - 1, 1))] for n in range(most)]


def _own_groups(config: Mapping[str, Any], settled: set[str]) -> list[list[Answers]]:
    """A group for each question that offers something and is asked about a workflow."""
    groups = []
    for name, question in questions_of(config).items():
        if name == KIND or name in settled or not is_asked(question, {KIND: WORKFLOW}):
            continue
        values = choices_of(question)
        if values and len(values) > 1:
            groups.append([{name: value} for value in values])
    return groups


def _all_pairs(groups: Sequence[Sequence[Answers]]) -> list[Answers]:
    """Sets with one entry of each group, such that every two entries come together in one."""
    if len(groups) < 2:
        return [dict(answers) for group in groups for answers in group]
    try:
        from allpairspy import AllPairs
    except ImportError as error:
        raise MissingDependencyError(
            "The package allpairspy, which finds the sets of answers, is not installed.",
            "Install it: pip install 'dataflow-tools[template]'",
        ) from error
    # The library wants values that can be told apart: positions, not dicts.
    positions = AllPairs([list(range(len(group))) for group in groups])
    return [
        {
            name: value
            for group, position in zip(groups, chosen, strict=True)
            for name, value in group[position].items()
        }
        for chosen in positions
    ]
