"""The parameters that one run has in place of those of config.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.config_model import Parameters
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.config_model import WorkflowConfig

# Below `resources` in the run config.
SECTION = "dataflow"


def with_run_parameters(
    config: WorkflowConfig | None, run_config: Mapping[str, Any]
) -> WorkflowConfig | None:
    """A configuration with the parameters of one run in place of its own.

    Raises:
        BadInputError: One of them is not allowed.
    """
    given = asked_in(run_config).get("parameters") or {}
    given = {name: value for name, value in given.items() if value is not None}
    if config is None or not given:
        return config
    from pydantic import ValidationError

    from dataflow.shared.config_check import finding_of, misfits_of

    values = {**config.ingestion.parameters.model_dump(by_alias=True), **given}
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        faults = [str(finding_of(each, values)) for each in misfits_of(error, values)]
        raise BadInputError(
            f"The run's parameters are wrong: {shortened('; '.join(faults), 500)}",
            "Correct resources.dataflow.config.parameters of the run config.",
        ) from error
    ingestion = config.ingestion.model_copy(update={"parameters": parameters})
    return config.model_copy(update={"ingestion": ingestion})


def asked_in(run_config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section of a run's config that is about what the library's steps are to do."""
    section = (run_config.get("resources") or {}).get(SECTION) or {}
    asked: Mapping[str, Any] = section.get("config") or {}
    return asked
