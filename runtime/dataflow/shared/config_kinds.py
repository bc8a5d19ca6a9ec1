"""The parts of a configuration whose keys depend on a name: a source's type, a stage's name.

The models of these parts come from plug-ins, built-in ones included (entry points such as those of
``dataflow.sources``), and only the one that is named is imported. What the workflow's own code
reads or implements needs no plug-in, see `dataflow.shared.own_code`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from dataflow.shared.config_secrets import register_secrets
from dataflow.shared.config_types import Section, Text, refusal
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError
from dataflow.shared.own_code import OwnCode
from dataflow.shared.plugins import PluginError, broken_plugin, distribution_of, installed, load
from dataflow.shared.suggestion import as_sentence, did_you_mean, nearest

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

    from dataflow.shared.settings import Kind

KindGroup = Literal["sources", "stages", "warehouses", "publishers", "launchers", "secrets"]
# The attribute of a plug-in that is the model of its keys, where it is not `settings`.
_MODEL = {"stages": "options"}
# The setting that chooses a kind, where it is not called like the group.
_SETTING = {"warehouses": "warehouse", "launchers": "launcher"}


class OwnSettings(Section):
    """What the workflow's own code reads: every key is the author's."""

    @classmethod
    def is_own_key(cls, key: str, context: Any) -> bool:
        """Every key is."""
        del key, context
        return True


def model_of(group: KindGroup, name: str) -> type[Section]:
    """The model of what config.yaml may say to an installed kind.

    Raises:
        KeyError: No installed distribution has a kind of that name.
        PluginError: The plug-in cannot be imported, or brings no model.

    >>> model_of("stages", "enrichment").known_keys()
    ['add_timestamps']
    """
    attribute = _MODEL.get(group, "settings")
    model = getattr(load(group, name), attribute, None)
    if isinstance(model, type) and issubclass(model, Section):
        return model
    point = installed(group)[name]
    raise broken_plugin(
        point, f"{name!r} of {distribution_of(point)} has no `{attribute}` that is a Section."
    )


@dataclass(frozen=True)
class _KindField:
    """Marks a field whose value is checked against the model of the kind that is named."""

    validate: Callable[[Any, ValidationInfo], Section]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # Only a source stands for itself: options are written with the stage that has them.
        del schema
        return {"oneOf": [options for _, _, options in _json_schemas("sources", handler)]}


def _source(value: Any, info: ValidationInfo) -> Section:
    if isinstance(value, Section):
        return value
    if not isinstance(value, Mapping):
        raise refusal("has no value" if value is None else "is not a mapping of keys to values")
    known, code = list(installed("sources")), _own_code(info)
    kind = value.get("type")
    if kind is None:
        raise _at(*_missing_type(value, known))
    if isinstance(kind, str) and kind in known:
        model = model_of("sources", kind)
        try:
            return model.model_validate(value, context=info.context)
        except ValidationError:
            if not code.reads_source_itself:
                raise
        # Only the author's code knows what it needs; a slip of the pen is still one.
        _refuse_near_misses(model, value)
        return OwnSettings.model_validate(value)
    if isinstance(kind, str) and _is_own_source(kind, known, code):
        return OwnSettings.model_validate(value)
    raise _at("type", not_a_choice(kind, known))


def _options(value: Any, info: ValidationInfo) -> Section:
    name = info.data.get("name")
    if name is None or (isinstance(value, Section) and type(value) is not OwnSettings):
        return value if isinstance(value, Section) else OwnSettings()
    if isinstance(value, Section):
        value = value.model_dump()
    model = model_of("stages", name) if name in installed("stages") else OwnSettings
    try:
        return model.model_validate(value, context=info.context)
    except ValidationError:
        if not (isinstance(value, Mapping) and _own_code(info).transforms_itself):
            raise
    # As with a source that the author's code reads.
    _refuse_near_misses(model, value)
    return OwnSettings.model_validate(value)


def _stage_name(value: Any, info: ValidationInfo) -> Any:
    known, code = list(installed("stages")), _own_code(info)
    if isinstance(value, str) and (value in known or value in code.stages):
        return str(value)
    if isinstance(value, str) and value and code.transforms_itself and not nearest(value, known):
        return value
    raise not_a_choice(value, known)


class Stage(Section):
    """One stage, by the name of an installed one or of a function in transform.py.

    Where transform.py leaves none to `apply_stages`, by any name that it knows.
    """

    name: Annotated[Text, BeforeValidator(_stage_name)]
    options: Annotated[Section, _KindField(_options)] = Field(
        default_factory=OwnSettings, validate_default=True, description="What it does."
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema
        alternatives = [
            {
                "type": "object",
                "description": (model.__doc__ or "").partition("\n")[0],
                "properties": {"name": {"const": name}, "options": options},
                "required": ["name"],
                "additionalProperties": False,
            }
            for name, model, options in _json_schemas("stages", handler)
        ]
        return {"oneOf": alternatives}


SourceSettings = Annotated[Section, _KindField(_source)]
# Of a model in which another key may take its place.
OptionalSource = Annotated[Section | None, _KindField(_source)]


def chosen_kind(
    group: KindGroup, choice: Kind, environ: Mapping[str, str] | None = None
) -> tuple[Any, Section]:
    """The plug-in that a project's setting names, and its own settings.

    The choice is a name, or a table with its name as ``type``; texts in it may be ``${VARIABLE}``.
    Secrets among them are masked in all later output of this process.

    Args:
        environ: What gives the variables: ``values`` of the project. Default: this process's.

    Raises:
        BadInputError: Nothing of that name is installed, or a key of the table is wrong.
        PluginError: The plug-in cannot be imported.
    """
    given = {"type": choice} if isinstance(choice, str) else choice
    name, known = str(given.get("type")), list(installed(group))
    where = f"[tool.dataflow] {_SETTING.get(group, group)}"
    if name not in known:
        meant = did_you_mean(name, known)
        raise BadInputError(
            f"{where} names {name!r}, and nothing of that name is installed.",
            f"{as_sentence(meant)} There are: {', '.join(known) or 'none'}.".strip(),
        )
    model = model_of(group, name)
    values, missing = resolve(given, os.environ if environ is None else environ)
    if values != given:
        register_secrets(values)
    faults = [f"{'.'.join(map(str, fault.path))}: {fault.reason}" for fault in missing]
    try:
        return load(group, name), model.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            faults.append(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}")
    raise BadInputError(
        f"{where}, {name}: {'; '.join(faults)}.", f"Its keys are: {', '.join(model.known_keys())}."
    )


def not_a_choice(value: Any, choices: list[str]) -> PydanticCustomError:
    """The error about a value that is none of the choices."""
    reason = "has no value" if value is None else "is not one of the choices"
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return refusal(reason, ", ".join(choices), hint)


def _own_code(info: ValidationInfo) -> OwnCode:
    return info.context if isinstance(info.context, OwnCode) else OwnCode("")


def _is_own_source(kind: str, known: list[str], code: OwnCode) -> bool:
    return kind in code.readers or (code.reads_source_itself and not nearest(kind, known))


def _missing_type(value: Mapping[Any, Any], known: list[str]) -> tuple[str, PydanticCustomError]:
    for key in map(str, value):
        hint = did_you_mean(key, ["type"])
        if hint:
            return key, refusal("is not a known key", hint=hint, of_key=True)
    return "type", refusal("is missing", ", ".join(known))


def _refuse_near_misses(model: type[Section], value: Mapping[Any, Any]) -> None:
    known = model.known_keys()
    for key in map(str, value):
        hint = "" if key in known else did_you_mean(key, known)
        if hint:
            raise _at(key, refusal("is not a known key", hint=hint, of_key=True))


def _at(key: str, error: PydanticCustomError) -> ValidationError:
    details: InitErrorDetails = {"type": error, "loc": (key,), "input": None}
    return ValidationError.from_exception_data("source", [details])


def _json_schemas(
    group: KindGroup, handler: GetJsonSchemaHandler
) -> Iterator[tuple[str, type[Section], JsonSchemaValue]]:
    """Name, model and JSON Schema of each installed kind. A broken plug-in is left out."""
    for name in installed(group):
        with suppress(PluginError):
            model = model_of(group, name)
            schema = model.__get_pydantic_json_schema__(model.__pydantic_core_schema__, handler)
            yield name, model, schema
