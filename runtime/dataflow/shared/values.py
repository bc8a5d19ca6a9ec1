"""Where the values of ``${NAME}`` come from: one mapping, which looks only for what is asked.

In this order: the variable of the process; a file that the variable ``NAME_FILE`` names, as
Docker's images do it; the file ``NAME`` in the folder of secrets that Docker and Kubernetes mount;
``variables`` of the project's environment, which may refer to others; the project's stores of
secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import interpolate
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.redaction import is_secret_key, register_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FILE = "_FILE"
# A shorter value under a name that tells of no secret, such as a port, stands in innocent text.
_SHORTEST = 8


class SecretFileError(DataflowError):
    """A file that a value is read from cannot be read."""

    exit_code = 2


class EnvironmentValues(Mapping[str, str]):
    """The values of a project in its environment, by name.

    Args:
        variables: Those of the settings.
        secrets_dir: The folder with one file for each secret, which need not exist.
        stores: The setting ``secrets``: stores to ask, in this order.
    """

    def __init__(
        self,
        variables: Mapping[str, str] | None = None,
        secrets_dir: Path | None = None,
        stores: Sequence[str | dict[str, Any]] = (),
    ) -> None:
        self._variables = variables or {}
        self._folder = secrets_dir
        self._stores = stores
        self._opened: list[Callable[[str], str | None]] | None = None
        self._looked_up: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        value = self._find(name, ())
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        """The names that can be listed; a store may have more."""
        found = dict.fromkeys((*os.environ, *self._variables))
        found.update((n.removesuffix(_FILE), None) for n in os.environ if n.endswith(_FILE))
        if self._folder is not None and self._folder.is_dir():
            found.update((path.name, None) for path in self._folder.iterdir() if path.is_file())
        return iter(found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def origin(self, name: str) -> str:
        """Where the value of a name comes from, as people are told; empty if there is none."""
        if name in os.environ:
            return "environment variable"
        path = self._path(name)
        if path is not None:
            return f"file {path}"
        if name in self._variables:
            return "setting variables" if self._find(name, ()) is not None else ""
        return "store of secrets" if self._from_stores(name) is not None else ""

    def why_missing(self, name: str) -> str:
        """Why there is no value of a name, in words that follow a key or a file."""
        if name in self._variables:
            _, missing, _ = interpolate(self._variables[name], _Within(self, (name,)))
            for other in missing:
                return f"{self.why_missing(other)}, which variables.{name} of the settings needs"
        folder = self._folder
        file = f", and there is no file {folder / name}" if folder and folder.is_dir() else ""
        return f"the environment variable {name} is not set{file}"

    def _find(self, name: str, asked_by: tuple[str, ...]) -> str | None:
        # First and alone where nothing is set: most of what is asked for is here.
        value = os.environ.get(name)
        if value is not None:
            return value
        path = self._path(name)
        if path is not None:
            return self._registered(name, _text_of(path, name))
        if name in self._variables:
            return self._from_variables(name, asked_by)
        return self._from_stores(name)

    def _path(self, name: str) -> Path | None:
        named = os.environ.get(f"{name}{_FILE}")
        if named:
            return Path(named)
        if self._folder is None or not os.access(self._folder, os.X_OK):
            return None
        path = self._folder / name
        return path if path.is_file() else None

    def _from_variables(self, name: str, asked_by: tuple[str, ...]) -> str | None:
        text = self._variables[name]
        if name in asked_by:
            circle = " -> ".join((*asked_by[asked_by.index(name) :], name))
            raise BadInputError(
                f"[tool.dataflow] variables refer to each other in a circle: {circle}.",
                f"Give one of them a value, or set {name} in the environment.",
            )
        if "${" not in text:
            if text and is_secret_key(name):
                raise BadInputError(
                    f"[tool.dataflow] variables.{name} is a secret in plain text, which must not "
                    "be in the file.",
                    f"Take it out, and set {name} in the environment or as a file {name} in the "
                    "folder of secrets.",
                )
            return text
        found, missing, broken = interpolate(text, _Within(self, (*asked_by, name)))
        if broken:
            raise BadInputError(
                f"[tool.dataflow] variables.{name} has a `${{` that begins no reference.",
                "Write `${NAME}` or `${NAME:-default}`, or `$${` for a plain `${`.",
            )
        if is_secret_key(name):
            register_secret(found)
        return None if missing else str(found)

    def _from_stores(self, name: str) -> str | None:
        if not self._stores:
            return None
        if name not in self._looked_up:
            if self._opened is None:
                self._opened = [_open(store, self._folder) for store in self._stores]
            found = (look_up(name) for look_up in self._opened)
            self._looked_up[name] = next((each for each in found if each is not None), None)
        value = self._looked_up[name]
        return None if value is None else self._registered(name, value)

    def _registered(self, name: str, value: str) -> str:
        if len(value) >= _SHORTEST or is_secret_key(name):
            register_secret(value)
        return value


class _Within(Mapping[str, str]):
    """The same values, asked for on behalf of others."""

    def __init__(self, values: EnvironmentValues, asked_by: tuple[str, ...]) -> None:
        self._values, self._asked_by = values, asked_by

    def __getitem__(self, name: str) -> str:
        value = self._values._find(name, self._asked_by)
        if value is None:
            raise KeyError(name)
        if is_secret_key(name):
            register_secret(value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _open(store: str | dict[str, Any], folder: Path | None) -> Callable[[str], str | None]:
    from dataflow.shared.config_kinds import chosen_kind

    # How to reach a store cannot be asked of the stores.
    kind, settings = chosen_kind("secrets", store, EnvironmentValues({}, folder))
    look_up: Callable[[str], str | None] = kind.open(settings)
    return look_up


def _text_of(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise SecretFileError(
            f"The value of {name} cannot be read from {path}: {reason}.",
            f"Let whoever runs the workflow read that file, or set {name} in the environment.",
        ) from error
    # Editors and `echo` end a file by a line's end that is no part of the secret.
    return text.removesuffix("\n").removesuffix("\r")
