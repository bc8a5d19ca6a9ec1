"""Which recorded answers a new template version no longer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow_tools.fleet.instance import Instance
    from dataflow_tools.fleet.render import Rendering


class InvalidAnswerError(DataflowError):
    """A recorded answer is not valid any more, and only a person can give another."""


def check_answers(
    instance: Instance, known: Mapping[str, Any], rendering: Rendering, given: Mapping[str, Any]
) -> None:
    """Refuse an update that would put a default in the place of somebody's answer.

    Args:
        instance: The workflow.
        known: The recorded answers.
        rendering: What the new version made of them.
        given: The answers that a person gave for this update.

    Raises:
        InvalidAnswerError: An answer is not valid any more; all such are named, with what the
            template accepts.
    """
    worker = rendering.worker
    questions = worker.template.questions_data
    used = worker.answers.combined
    faults, options = [], []
    for name, value in known.items():
        # What is hidden now was not asked for; what was given was meant.
        if name not in questions or name in worker.answers.hidden or name in given:
            continue
        if name not in used or _same(used[name], value):
            continue
        choices = _choices(questions[name].get("choices"))
        allowed = f"; it accepts {', '.join(choices)}" if choices else ""
        faults.append(f"Answer no longer valid: {name} = {value!r}{allowed}.")
        options.append(f"--data {name}={choices[0] if choices else '...'}")
    if faults:
        raise InvalidAnswerError(
            " ".join(faults),
            f"Answer anew: {instance.command} {' '.join(options)}",
        )


def describe_answers(known: Mapping[str, Any], rendering: Rendering) -> list[str]:
    """Say which answers are new and which are gone."""
    questions = rendering.worker.template.questions_data
    notes = [
        f"new question {name}: answered with {value!r}"
        for name, value in rendering.answers.items()
        if name not in known
    ]
    notes += [
        f"question {name} is gone: the answer {value!r} was dropped"
        for name, value in known.items()
        if name not in questions
    ]
    return notes


def _same(used: Any, recorded: Any) -> bool:
    # A question may turn "5" into 5; that is the same answer.
    return bool(used == recorded) or str(used) == str(recorded)


def _choices(declared: Any) -> list[str]:
    if isinstance(declared, dict):
        declared = list(declared.values())
    if not isinstance(declared, list):
        return []
    values = [choice[1] if isinstance(choice, list) else choice for choice in declared]
    values = [value.get("value") if isinstance(value, dict) else value for value in values]
    return [str(value) for value in values]
