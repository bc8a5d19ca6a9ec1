"""From the plain values of ``ingestion`` in config.yaml to the models that readers take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from dataflow.shared.config_check import finding_of, misfits_of
from dataflow.shared.config_model import Parameters
from dataflow.shared.config_secrets import register_secrets
from dataflow.shared.config_types import Section
from dataflow.shared.contract import Column, Contract, OnChange, columns_in
from dataflow.sources.errors import SourceSettingError

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


def plain_values(values: Mapping[str, Any] | Section) -> dict[str, Any]:
    """A part of a configuration as it stands in config.yaml."""
    return values.model_dump(by_alias=True) if isinstance(values, Section) else dict(values)


def checked_parameters(values: Mapping[str, Any] | Parameters) -> Parameters:
    """``ingestion.parameters`` as a model; keys of a workflow's own among them are left out.

    Raises:
        SourceSettingError: A value does not fit.
    """
    if isinstance(values, Parameters):
        return values
    known = {key: values[key] for key in Parameters.model_fields if key in values}
    return _checked(Parameters, known, "parameters")


def checked_contract(
    columns: Mapping[str, Any], on_change: Mapping[str, Any], shown: str, place: str
) -> Contract:
    """``columns`` and ``on_change``, which stand at ``place``, as the contract of ``shown``.

    Raises:
        SourceSettingError: A value does not fit.
    """
    agreed = {
        name: _checked(Column, column, f"columns.{name}")
        for name, column in columns_in(columns).items()
    }
    return Contract(agreed, _checked(OnChange, on_change, "on_change"), shown, place)


def _checked(model: type[Model], values: Mapping[str, Any], key: str) -> Model:
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        findings = [
            finding_of(misfit, given, under=("ingestion", key))
            for misfit in misfits_of(error, given)
        ]
        raise SourceSettingError(
            "\n".join(map(str, findings)),
            f"Correct `ingestion.{key}` in config.yaml, or where ingestion.py makes it.",
        ) from None
