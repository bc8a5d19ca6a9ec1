"""Answers that somebody gives on a command line: whether a template takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# As Copier reads them; it takes every other word for false.
_BOOLEANS = {"y", "yes", "t", "true", "on", "1", "n", "no", "f", "false", "off", "0"}
_INVALID_CHOICE = re.compile(r"Invalid choice for '(\w+)': (.+) is not in (\[.*\])", re.DOTALL)


def refuse_settled(answers: Mapping[str, Any], command: str, name: str = "OLD") -> None:
    """Refuse what is no answer but decided by the command.

    Args:
        command: The command that they were given to, such as ``workflow new``.
        name: The workflow that they are for, if it is one.

    Raises:
        BadInputError: ``kind`` or ``workflow_id`` is among them; the error has the right command.
    """
    if "kind" in answers:
        raise BadInputError(
            "`kind` is decided by the command, not by an answer.",
            "`dataflow init PATH` makes a project, `dataflow workflow new NAME` a workflow.",
        )
    if "workflow_id" in answers:
        wanted = answers["workflow_id"]
        instruction = {
            "workflow new": f"Write it as the name: dataflow workflow new {wanted}",
            "init": f"Make the project first, then in it: dataflow workflow new {wanted}",
        }.get(
            command,
            f"Rename it with its tables and dashboard: dataflow workflow rename {name} {wanted}",
        )
        raise BadInputError("`workflow_id` is a workflow's name, not an answer.", instruction)


def check_given(given: Mapping[str, Any], questions: Mapping[str, Any], *, where: str) -> None:
    """Check names and values before a template is asked.

    What depends on other answers, such as a computed choice, is left to the template.

    Args:
        questions: The template's questions, as in its ``copier.yml``.
        where: Which version they are of, in words.

    Raises:
        BadInputError: There is no such question, it is computed, or it takes no such value.
    """
    unknown = [name for name in given if name not in questions]
    if unknown:
        raise _unknown(unknown, questions, where)
    for name, value in given.items():
        question = questions[name]
        if not isinstance(question, dict):
            continue
        if question.get("when") is False:
            raise BadInputError(
                f"{name} is computed by the template and cannot be given.",
                "Change what it is computed from: the questions are in the template's copier.yml.",
            )
        allowed = choices_of(question.get("choices"))
        if allowed and not any("{" in choice for choice in allowed):
            _check_choice(name, value, allowed)
        elif (kind := _type_of(question)) in _READERS and not _is(kind, value):
            raise BadInputError(
                f"{name} = {quoted(str(value))} is not {_READERS[kind]}.",
                f"Write --data {name}={_EXAMPLES[kind]}",
            )


def refuse_hidden(
    given: Iterable[str], hidden: Collection[str], answers: Mapping[str, Any]
) -> None:
    """Refuse answers to questions that were not asked, given the others.

    Raises:
        BadInputError: There are such, and they would be left out without a word.
    """
    names = [name for name in given if name in hidden]
    if names:
        known = ", ".join(
            f"{name}={answers[name]}"
            for name in ("source_type", "auth_type")
            if name in answers and name not in names
        )
        raise BadInputError(
            f"{', '.join(names)}: the template does not ask for this with the other answers"
            f"{f' ({known})' if known else ''}.",
            "Leave it out, or give the answers that it depends on as well.",
        )


def choice_error(words: str) -> BadInputError | None:
    """What Copier says of a value that is no choice, in our words."""
    found = _INVALID_CHOICE.search(words)
    if found is None:
        return None
    allowed = re.findall(r"'([^']*)'", found[3])
    return _wrong_choice(found[1], found[2].strip("'"), allowed)


def choices_of(declared: Any) -> list[str]:
    """The values of a question's choices, in any of the forms that Copier takes."""
    if isinstance(declared, dict):
        declared = list(declared.values())
    if not isinstance(declared, list):
        return []
    values = [choice[1] if isinstance(choice, list) else choice for choice in declared]
    values = [value.get("value") if isinstance(value, dict) else value for value in values]
    return [str(value) for value in values]


def _check_choice(name: str, value: Any, allowed: list[str]) -> None:
    for one in value if isinstance(value, list) else [value]:
        if str(one) not in allowed:
            raise _wrong_choice(name, str(one), allowed)


def _wrong_choice(name: str, value: str, allowed: list[str]) -> BadInputError:
    meant = as_sentence(did_you_mean(value, allowed))
    return BadInputError(
        f"{name} = {quoted(value)} is not one of its choices.",
        f"{meant} It takes {', '.join(allowed)}.".strip(),
    )


def _unknown(names: list[str], questions: Iterable[str], where: str) -> BadInputError:
    asked = [question for question in questions if question != "kind"]
    meant = as_sentence(did_you_mean(names[0], asked))
    return BadInputError(
        f"{where} has no question {', '.join(names)}.",
        f"{meant} A newer version may have it: `dataflow workflow update --project`.".strip(),
    )


def _type_of(question: Mapping[str, Any]) -> str:
    if "type" in question:
        return str(question["type"])
    default = question.get("default")
    return type(default).__name__ if isinstance(default, bool | int | float) else "str"


_READERS = {"bool": "true or false", "int": "a whole number", "float": "a number"}
_EXAMPLES = {"bool": "true", "int": "5", "float": "0.5"}


def _is(kind: str, value: Any) -> bool:
    if kind == "bool":
        return str(value).strip().lower() in _BOOLEANS
    try:
        int(str(value)) if kind == "int" else float(str(value))
    except ValueError:
        return False
    return True
