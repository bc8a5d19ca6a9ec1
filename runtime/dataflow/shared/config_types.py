"""The kinds of values a configuration may hold, and the plain sentences that refuse others.

YAML has already told numbers from texts, so nothing is guessed: `true` is not 1 and `"5"` is not 5.
Only texts from the environment, which are all it has, are read as numbers where one is wanted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self, get_args

from annotated_types import GroupedMetadata
from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.functional_validators import BeforeValidator, ModelWrapValidatorHandler
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from dataflow.shared.environment import REFERENCE, EnvironmentText
from dataflow.shared.redaction import redact_event
from dataflow.shared.schedule_rule import check_cron, check_timezone
from dataflow.shared.suggestion import did_you_mean

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_HTTP_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_INTEGER = re.compile(r"\s*[-+]?\d{1,18}\s*", re.ASCII)


FaultsBetween = Iterator[tuple[tuple[str | int, ...], PydanticCustomError]]


def refusal(
    reason: str, allowed: str = "", hint: str = "", *, of_key: bool = False
) -> PydanticCustomError:
    """An error whose message is the rest of a sentence that begins with the value.

    See `dataflow.shared.finding.Misfit`, which it becomes.
    """
    context = {"reason": reason, "allowed": allowed, "hint": hint, "of_key": of_key}
    return PydanticCustomError("dataflow", "{reason}", context)


def value_at(values: Any, path: Sequence[str | int]) -> Any:
    """What stands at ``path`` in nested mappings and lists, or ``None``.

    >>> value_at({"stages": [{"name": "cleaning"}]}, ["stages", 0, "name"])
    'cleaning'
    >>> value_at({}, ["load", "table"]) is None
    True
    """
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values


class Section(BaseModel):
    """A mapping in the file. An empty one is a mapping without keys.

    Unknown keys are refused, but for those that begin with ``x-``: they are the author's own, and
    `load_config` hands them on as they are.
    """

    model_config = ConfigDict(
        extra="allow", frozen=True, hide_input_in_errors=True, strict=True, protected_namespaces=()
    )

    @classmethod
    def known_keys(cls) -> list[str]:
        """The keys that this mapping has, as they are written in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def is_own_key(cls, key: str, context: Any) -> bool:
        """Whether a key that is not known is the author's own.

        ``context`` is what is known of the workflow, see `dataflow.shared.own_code.OwnCode`; None
        if the model is used without a file.
        """
        del context
        return key.startswith("x-")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        written = handler(schema)
        resolved = handler.resolve_ref_schema(written)
        # Keys like no known one: the author's own where the model takes them.
        resolved["additionalProperties"] = cls.is_own_key("\0", None)
        resolved["patternProperties"] = {"^x-": {}}
        return written

    @classmethod
    def filled_in(cls, values: Mapping[Any, Any], context: Any) -> Mapping[Any, Any]:
        """The values with what goes without saying; ``context`` is as for `is_own_key`."""
        del context
        return values

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """What is wrong between the keys of ``values``, which may each be wrong as well.

        Yields:
            The path of the key to put right, from here, and why.
        """
        del values
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _check_all(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Report faults within keys and between keys together; pydantic stops at the former."""
        if values is None:
            values = {}
        faults: list[InitErrorDetails] = []
        if isinstance(values, Mapping):
            values = cls.filled_in(values, info.context)
            between = [*cls._unknown_keys(values, info.context), *cls.faults_between(values)]
            for path, error in between:
                faults.append({"type": error, "loc": path, "input": value_at(values, path)})
        try:
            section = handler(values)
        except ValidationError as error:
            within = [cls._again(details) for details in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, within + faults) from None
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return section

    @classmethod
    def _unknown_keys(cls, values: Mapping[str, Any], context: Any) -> FaultsBetween:
        known = cls.known_keys()
        for key in values:
            name = str(key)
            if name not in known and not cls.is_own_key(name, context):
                hint = did_you_mean(name, known)
                allowed = "" if hint else ", ".join(known)
                yield (key,), refusal("is not a known key", allowed, hint, of_key=True)

    @classmethod
    def _again(cls, details: Any) -> InitErrorDetails:
        # A raised error does not give back what it was made of.
        kind, context, location = details["type"], dict(details.get("ctx", {})), details["loc"]
        if kind == "dataflow":
            error = PydanticCustomError("dataflow", "{reason}", context)
        elif kind == "missing" and len(location) == 1:
            error = refusal("is missing", ", ".join(cls._choices(location[0])))
        else:
            message = details["msg"].replace("{", "(").replace("}", ")")
            error = PydanticCustomError(kind, message, context)
        return {"type": error, "loc": location, "input": details["input"]}

    @classmethod
    def _choices(cls, key: str | int) -> list[str]:
        """What a key allows that has a fixed set of values; nothing for others."""
        for name, field in cls.model_fields.items():
            if key == (field.alias or name):
                return [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
        return []

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            hides = isinstance(value, (str, list, dict))
            yield name, redact_event({name or "": value})[name or ""] if hides else value


@dataclass(frozen=True)
class WholeNumber(GroupedMetadata):
    """Marks a whole number from ``lowest`` to ``highest``."""

    lowest: int
    highest: int

    def __iter__(self) -> Iterator[Any]:
        yield BeforeValidator(self._check)
        limits = {"minimum": self.lowest, "maximum": self.highest}
        yield WithJsonSchema({"type": "integer", **limits})

    def _check(self, value: Any) -> int:
        allowed = f"{self.lowest} to {self.highest}"
        if isinstance(value, EnvironmentText) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            quoted = isinstance(value, str) and _INTEGER.fullmatch(value)
            hint = "leave out the quotes" if quoted else ""
            raise refusal("is not a whole number", allowed, hint)
        if not self.lowest <= value <= self.highest:
            raise refusal("is out of range", allowed)
        return value


@dataclass(frozen=True)
class Number(GroupedMetadata):
    """Marks a finite number greater than ``above``."""

    above: float

    def __iter__(self) -> Iterator[Any]:
        yield BeforeValidator(self._check)
        yield WithJsonSchema({"type": "number", "exclusiveMinimum": self.above})

    def _check(self, value: Any) -> float:
        allowed = f"greater than {self.above:g}"
        if isinstance(value, EnvironmentText):
            try:
                value = float(value)
            except ValueError:
                raise refusal("is not a number", allowed) from None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not _is_finite(value):
            raise refusal("is not a number", allowed)
        if value <= self.above:
            raise refusal("is out of range", allowed)
        return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise refusal("is not text", hint="put it in quotes" if _is_scalar(value) else "")
    return str(value)


def _text(value: Any) -> str:
    text = _string(value)
    if not text.strip():
        raise refusal("is empty")
    return text


def _any_text(value: Any) -> str:
    return "" if value is None else _string(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, EnvironmentText) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise refusal("is neither true nor false")
    return value


def _scalar(value: Any) -> Any:
    if not _is_scalar(value):
        raise refusal("is not a single value", "text, a number, true, false or null")
    return str(value) if isinstance(value, str) else value


def _query_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return _scalar(value)


def _header_value(value: Any) -> str:
    text = _any_text(value)
    if not text.isprintable() or not text.isascii():
        raise refusal("holds a character that a header cannot hold")
    return text


def _http_url(value: Any) -> str:
    text = _text(value)
    if not _HTTP_URL.fullmatch(text):
        raise refusal("is not a web address", "http://... or https://...")
    return text


def is_identifier(name: str) -> bool:
    """Whether this can be the name of a table."""
    return _IDENTIFIER.fullmatch(name) is not None


def _identifier(value: Any) -> str:
    text = _text(value)
    if not is_identifier(text):
        allowed = "letters, digits and underscores, a letter or underscore first, 63 at most"
        raise refusal("cannot be the name of a table", allowed)
    return text


def _checked(check: Callable[[str], str | None], plainly: str) -> Callable[[Any], str]:
    def validate(value: Any) -> str:
        text = _text(value)
        # A folded or literal block ends in a newline that nobody means.
        wrong = check(text.strip())
        if wrong:
            # The reason quotes parts of the value, which of the environment's nobody may see.
            raise refusal(plainly if isinstance(value, EnvironmentText) else wrong)
        return text.strip()

    return validate


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


_SOME_TEXT = WithJsonSchema({"type": "string", "minLength": 1})

Text = Annotated[str, BeforeValidator(_text), _SOME_TEXT]
AnyText = Annotated[str, BeforeValidator(_any_text)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
# What a column or a query may be compared with.
Scalar = Annotated[str | int | float | bool | None, BeforeValidator(_scalar)]
QueryValue = Annotated[
    str | int | float | bool | list[str | int | float | bool | None] | None,
    BeforeValidator(_query_value),
]
HeaderValue = Annotated[str, BeforeValidator(_header_value)]
HttpUrl = Annotated[str, BeforeValidator(_http_url), _SOME_TEXT]
Identifier = Annotated[
    str,
    BeforeValidator(_identifier),
    WithJsonSchema({"type": "string", "pattern": f"^{_IDENTIFIER.pattern}$"}),
]
Cron = Annotated[str, BeforeValidator(_checked(check_cron, "is not a cron expression"))]
TimeZone = Annotated[str, BeforeValidator(_checked(check_timezone, "is not a time zone"))]
# That it does not stand in the file itself is checked where the file is read.
Secret = Annotated[
    str, BeforeValidator(_text), WithJsonSchema({"type": "string", "pattern": REFERENCE})
]
