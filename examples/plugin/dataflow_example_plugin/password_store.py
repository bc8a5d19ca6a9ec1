"""A store of secrets: a program that prints them, such as those of password managers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.shared.errors import DataflowError
from dataflow.shared.secrets_kind import SecretsKind

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 30


class PasswordStore(Section):
    """What ``COMMAND NAME`` prints is the secret called NAME."""

    type: Literal["password_store"] = Field(description="A program that prints secrets.")
    command: list[Text] = Field(default=["pass", "show"], description="The program, with options.")


class PasswordStoreError(DataflowError):
    """The program cannot be asked."""


def open_store(settings: PasswordStore) -> Callable[[str], str | None]:
    """Look names up; a program that fails has none of that name."""

    def look_up(name: str) -> str | None:
        command = [*settings.command, name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PasswordStoreError(
                f"{settings.command[0]} could not be asked for {name}: {error}.",
                "Install it, or correct `command` of the store in [tool.dataflow] secrets.",
            ) from error
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None

    return look_up


KIND = SecretsKind(PasswordStore, open_store)
