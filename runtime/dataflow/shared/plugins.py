"""What other distributions add to this library, through entry points.

Built-in kinds are found the same way as foreign ones. Nothing is imported before it is asked for by
name, so a plug-in that cannot be imported is named in one error and does not harm the others.
"""

from __future__ import annotations

import traceback
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, Literal

from dataflow.shared.errors import DataflowError

Group = Literal[
    "sources",
    "stages",
    "warehouses",
    "publishers",
    "launchers",
    "secrets",
    "sites",
    "checks",
    "commands",
]


class PluginError(DataflowError):
    """A plug-in is there, but cannot be imported, or is not what its entry point promises.

    Why: A distribution in this environment has an entry point of ours, and what it points to
    cannot be imported or is of another shape: mostly it is made for another version.

    What to do: Install a version that fits, or uninstall it. docs/plugins says what each kind
    has to be.
    """


@lru_cache
def installed(group: Group) -> dict[str, EntryPoint]:
    """The entry points of ``dataflow.<group>`` by name, without importing any.

    Where two distributions claim one name, the built-in one keeps it, and else the one whose
    distribution comes first by name, so that the answer does not depend on the order of folders.

    >>> installed("commands")["doctor"].value
    'dataflow_tools.cli.doctor:doctor'
    """
    found: dict[str, EntryPoint] = {}
    for point in _points():
        if point.group == f"dataflow.{group}":
            found.setdefault(point.name, point)
    return found


@lru_cache
def _points() -> list[EntryPoint]:
    """The entry points of every distribution that has any of ours, built-in ones first.

    `importlib.metadata.entry_points` reads the name of each of some hundred distributions and all
    their entry points, which takes twice as long; every command waits for this.
    """
    ours: dict[str, Distribution] = {}
    for found in distributions():
        text = found.read_text("entry_points.txt")
        if text and "[dataflow." in text:
            # As for an import, what comes first on the path counts.
            ours.setdefault(found.name, found)
    return [point for name in sorted(ours, key=_precedence) for point in ours[name].entry_points]


def load(group: Group, name: str) -> Any:
    """Import one plug-in.

    Raises:
        KeyError: There is no such entry point.
        PluginError: It cannot be imported; the error names the distribution to fix or remove.

    >>> load("commands", "doctor").name
    'doctor'
    """
    point = installed(group)[name]
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # whatever a foreign module does at import
        raise broken_plugin(
            point,
            f"The {group.removesuffix('s')} {name!r} of {distribution_of(point)} cannot be loaded: "
            f"{type(error).__name__}{_place(point, error)}: {_words(error)}.",
        ) from error


def broken_plugin(point: EntryPoint, reason: str) -> PluginError:
    """The error of a plug-in that is not what its entry point promises."""
    instruction = f"Fix or uninstall {distribution_of(point)}; its entry point is {point.value}."
    return PluginError(reason, instruction)


def distribution_of(point: EntryPoint) -> str:
    """The name of the distribution that an entry point comes from.

    >>> distribution_of(installed("commands")["doctor"])
    'dataflow-tools'
    """
    return point.dist.name if point.dist is not None else "an unknown distribution"


def _place(point: EntryPoint, error: BaseException) -> str:
    """Where in the plug-in's own package an import failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" in {error.filename}:{error.lineno}"
    package = point.module.partition(".")[0]
    places = [
        f" in {frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package
    ]
    return places[-1] if places else ""


def _words(error: BaseException) -> str:
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    return words.rstrip().rstrip(".")


def _precedence(distribution: str) -> tuple[bool, str]:
    return distribution not in ("dataflow-runtime", "dataflow-tools"), distribution
