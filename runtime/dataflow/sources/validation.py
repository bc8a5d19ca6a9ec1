"""From the plain values of ``ingestion`` in config.yaml to the models that readers take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from dataflow.shared.config_secrets import is_secret_path, register_secrets
from dataflow.shared.config_types import Section, value_at
from dataflow.shared.faults import shown_path, shown_value
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

Model = TypeVar("Model", bound=Section)


def checked_settings(model: type[Model], source: Mapping[str, Any] | Section) -> Model:
    """The settings of a source as the model of its kind. Secrets in them are masked from then on.

    A key without a value is as if it were not there.

    Raises:
        SourceSettingError: They do not fit the model; all that is wrong is listed.
    """
    plain = plain_values(source)
    register_secrets(plain)
    return source if isinstance(source, model) else _checked(model, plain, "source")


def plain_values(source: Mapping[str, Any] | Section) -> dict[str, Any]:
    """``ingestion.source`` as it stands in config.yaml."""
    return source.model_dump(by_alias=True) if isinstance(source, Section) else dict(source)


def checked_parameters(values: Mapping[str, Any] | Parameters) -> Parameters:
    """``ingestion.parameters`` as a model; keys of a workflow's own among them are left out.

    Raises:
        SourceSettingError: A value does not fit.
    """
    if isinstance(values, Parameters):
        return values
    known = {key: values[key] for key in Parameters.model_fields if key in values}
    return _checked(Parameters, known, "parameters")


def _checked(model: type[Model], values: Mapping[str, Any], key: str) -> Model:
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [_sentence(fault, given, key) for fault in error.errors(include_url=False)]
        raise SourceSettingError(
            " ".join(faults),
            f"Correct `ingestion.{key}` in config.yaml, or where ingestion.py makes it.",
        ) from None


def _sentence(fault: Any, values: Mapping[str, Any], key: str) -> str:
    """What is wrong with one key, and what is allowed there, if that is known."""
    path, context = fault["loc"], fault.get("ctx", {})
    value = value_at(values, path)
    shown = "" if value is None or is_secret_path(path) else f" {shown_value(value)}"
    reason, allowed, hint = f"is not allowed: {fault['msg']}", "", ""
    if fault["type"] == "dataflow":
        reason, allowed, hint = context["reason"], context["allowed"], context["hint"]
    elif fault["type"] == "missing":
        reason = "is missing"
    elif fault["type"] == "extra_forbidden":
        reason, shown = "is not a known key", ""
    elif fault["type"] == "literal_error":
        reason, allowed = "is not one of the choices", context["expected"]
    end = f"; {hint}" if hint else "."
    place = shown_path(("ingestion", key, *path))
    return f"`{place}`{shown} {reason}{f' (allowed: {allowed})' if allowed else ''}{end}"
