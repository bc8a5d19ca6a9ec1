"""A project's settings as they are meant, with the values of the ``${NAME}`` in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dataflow.shared.config_secrets import literal_secrets, register_secrets
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from dataflow.shared.project import Project


def setting_value(project: Project, name: str) -> Any:
    """The value of a setting that may refer to the environment, such as ``history``.

    Secrets in it are masked in all later output of this process.

    Raises:
        BadInputError: A value that it refers to is not there, or the file has a secret in plain
            text.

    >>> from dataflow.shared.project import find_project
    >>> setting_value(find_project(), "history")
    ''
    """
    written = getattr(project.settings, name)
    if not written:
        return written
    values, missing = resolve({name: written}, project.values)
    register_secrets(values)
    faults = [fault.reason for fault in missing]
    # What the environment gives whole is in no file.
    if f"DATAFLOW_{name.upper()}" not in os.environ:
        faults += [fault.reason for fault in literal_secrets(values)]
    if faults:
        raise BadInputError(
            f"The setting {name} of {project.root.name}: {'; '.join(faults)}.",
            "Set each in the environment, as a file in the folder of secrets (secrets_dir), or in "
            "`variables` of the project's environment; `dataflow env check` tries all of them.",
        )
    value = values[name]
    return str(value) if isinstance(value, str) else value
