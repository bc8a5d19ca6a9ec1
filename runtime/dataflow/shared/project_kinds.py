"""The kinds that a project's settings choose: its warehouse, its publishers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dataflow.shared.config_kinds import KindGroup, model_of
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError
from dataflow.shared.plugins import installed, load
from dataflow.shared.suggestion import did_you_mean

if TYPE_CHECKING:
    from dataflow.shared.config_types import Section
    from dataflow.shared.settings import Kind


def chosen_kind(group: KindGroup, choice: Kind) -> tuple[Any, Section]:
    """The plug-in that a setting names, and its own settings.

    Args:
        group: Which kind of plug-in.
        choice: A name, or a table with its name as ``type``; texts in it may be ``${VARIABLE}``.

    Raises:
        BadInputError: Nothing of that name is installed, or a key of the table is wrong.
        PluginError: The plug-in cannot be imported.
    """
    given = {"type": choice} if isinstance(choice, str) else choice
    name, known = str(given.get("type")), list(installed(group))
    where = f"[tool.dataflow] {group}" if group == "publishers" else "[tool.dataflow] warehouse"
    if name not in known:
        meant = did_you_mean(name, known)
        raise BadInputError(
            f"{where} names {name!r}, and nothing of that name is installed.",
            f"{meant.capitalize()} There are: {', '.join(known)}.".strip(),
        )
    values, missing = resolve(given, os.environ)
    faults = [f"{'.'.join(map(str, fault.path))}: {fault.reason}" for fault in missing]
    try:
        return load(group, name), model_of(group, name).model_validate(values)
    except ValidationError as error:
        faults += [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
    raise BadInputError(
        f"{where}, {name}: {'; '.join(faults)}.",
        f"Its keys are: {', '.join(model_of(group, name).known_keys())}.",
    )
