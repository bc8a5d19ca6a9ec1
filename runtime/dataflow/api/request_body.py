"""What every body that the REST API takes has in common: keys that are known, and no others."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from dataflow.shared.shown import shortened
from dataflow.shared.suggestion import did_you_mean

UNKNOWN_KEY = "unknown_key"
# Comparing words takes long, and a body may have thousands of keys.
_MOST_TOLD = 10


class RequestBody(BaseModel):
    """A body whose unknown keys are refused, each with the one that was probably meant."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = {field.alias or name for name, field in cls.model_fields.items()}
        # What pydantic takes beside an alias is no news to anybody.
        unknown = [key for key in values if key not in known and key not in cls.model_fields]
        if unknown:
            faults = [_fault(str(key), known) for key in unknown[:_MOST_TOLD]]
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return values


def _fault(key: str, known: set[str]) -> InitErrorDetails:
    hint = did_you_mean(key, sorted(known)) or f"known are {', '.join(sorted(known))}"
    told = PydanticCustomError(UNKNOWN_KEY, "is not a known key: {hint}", {"hint": hint})
    return InitErrorDetails(type=told, loc=(shortened(key),), input=None)
