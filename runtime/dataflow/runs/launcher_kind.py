"""What starts the runs of the service: a kind of its own, or one that a distribution brings.

A distribution adds one by an entry point in the group ``dataflow.launchers`` that names a
`LauncherKind`; ``launcher`` in a project's settings, or in those of an environment, chooses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import yaml

from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.config_types import Section
from dataflow.shared.plain_yaml import load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.shared.project import Project

Settings = TypeVar("Settings", bound=Section)

LOCAL = "local"
DAGSTER_SETTINGS = "dagster.yaml"


@dataclass(frozen=True)
class LauncherKind(Generic[Settings]):
    """One kind of launcher.

    Args:
        settings: The keys that it has in ``[tool.dataflow]``, with ``type: Literal[<name>]``.
        config: ``run_launcher`` as Dagster's dagster.yaml has it. The file lies on the disk: no
            secret may be in it.
        check: Tries whether runs can be started now; gives what was found, in a few words. It
            raises a ``DataflowError`` for whatever a person can put right.
        is_remote: Whether runs are executed on other hosts than the service's.
    """

    settings: type[Settings]
    config: Callable[[Settings], dict[str, Any]]
    check: Callable[[Settings], str] | None = None
    is_remote: bool = True


def chosen_launcher(project: Project) -> tuple[LauncherKind[Any], Section] | None:
    """The launcher that a project has chosen, with its settings; None for this machine's own.

    Raises:
        BadInputError: The setting ``launcher`` is wrong.
        PluginError: The kind cannot be imported.
    """
    choice = project.settings.launcher
    name = choice if isinstance(choice, str) else choice.get("type")
    if name == LOCAL:
        return None
    return chosen_kind("launchers", choice, project.values)


def named_launcher(project: Project) -> dict[str, Any]:
    """``run_launcher`` of the project's own ``dagster.yaml``, which wins over the settings.

    Nothing where there is none; a file that cannot be read is refused where it is taken over.
    """
    try:
        settings = load_yaml((project.root / DAGSTER_SETTINGS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    named = settings.get("run_launcher") if isinstance(settings, dict) else None
    return named if isinstance(named, dict) else {}
