"""Checks values against the configuration's model, and says in plain words what does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dataflow.shared.config_kinds import not_a_choice
from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.config_secrets import is_secret_path
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import EnvironmentText
from dataflow.shared.finding import Finding, KeyPath, Misfit, shown_path, shown_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.shared.own_code import OwnCode

_PLAIN = {
    "bool_type": "is neither true nor false",
    "dict_type": "is not a mapping of keys to values",
    "list_type": "is not a list",
    "model_attributes_type": "is not a mapping of keys to values",
    "model_type": "is not a mapping of keys to values",
    "string_type": "is not text",
}


def check_values(
    values: dict[str, Any], code: OwnCode | None = None
) -> tuple[WorkflowConfig | None, list[Misfit]]:
    """Make the typed configuration of plain values, references to the environment resolved.

    Returns:
        The configuration, or ``None`` and everything that does not fit.

    Raises:
        PluginError: A plug-in that the file names cannot be imported.
    """
    try:
        return WorkflowConfig.model_validate(values, context=code), []
    except ValidationError as error:
        return None, misfits_of(error, values)


def misfits_of(error: ValidationError, values: Mapping[str, Any]) -> list[Misfit]:
    """What an error of a model says about the plain values that it was to be made of."""
    misfits = [_translate(details, values) for details in error.errors(include_url=False)]
    return list(_without_consequences(misfits))


def finding_of(
    misfit: Misfit, values: Any, *, under: KeyPath = (), file: str = "", line: int = 0
) -> Finding:
    """A misfit among ``values`` as a person is told of it: with the value, unless that is secret.

    ``under`` is the key path at which the values stand in the file.

    >>> print(finding_of(Misfit(("table",), "is not text"), {"table": 5}, under=("load",)))
    load.table: 5 is not text
    """
    path, shown = misfit.path, ""
    value = None if misfit.of_key else value_at(values, path)
    if isinstance(value, EnvironmentText):
        shown = f"the value of {value.shown}"
    elif value is not None and not is_secret_path(path):
        shown = shown_value(value)
    key_path = shown_path((*under, *path))
    return Finding(misfit.reason, misfit.hint, file, line, key_path, shown, misfit.allowed)


def _translate(error: Any, values: Mapping[str, Any]) -> Misfit:
    path = tuple(error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        context = not_a_choice(
            value_at(values, path), re.findall(r"'([^']*)'", context["expected"])
        ).context
        kind = "dataflow"
    if kind == "dataflow":
        reason = str(context["reason"])
        is_missing = reason.startswith(("is missing", "`")) or context["of_key"]
        if value_at(values, path) is None and not is_missing:
            reason = "has no value"
        return Misfit(path, reason, context["allowed"], context["hint"], context["of_key"])
    if kind == "missing":
        return Misfit(path, "is missing")
    if value_at(values, path) is None:
        return Misfit(path, "has no value")
    return Misfit(path, _PLAIN.get(kind, f"is not allowed here: {error['msg']}"))


def _without_consequences(misfits: list[Misfit]) -> Iterator[Misfit]:
    """Leave out that a key is missing when it is there, but misspelt."""
    meant = {
        (*misfit.path[:-1], misfit.hint.split("`")[1])
        for misfit in misfits
        if misfit.of_key and misfit.hint
    }
    for misfit in misfits:
        if not (misfit.path in meant and misfit.reason.startswith("is missing")):
            yield misfit
