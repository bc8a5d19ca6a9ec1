"""Where a template's repository writes its version down."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import yaml

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.export import CONFIG_FILES

if TYPE_CHECKING:
    from pathlib import Path

# The distributions that share the template's version, where a repository holds them.
_DISTRIBUTIONS = ("runtime/pyproject.toml", "tools/pyproject.toml")
_QUESTION = "runtime_version"


def with_version(root: Path, version: str) -> dict[str, str]:
    """The files that say a version, with another one.

    A repository that holds the library as well gives both one version; in one of a template alone,
    what a project asks for (``runtime_version``) is the library's version, and stays.

    Returns:
        The new texts by path; nothing where the version is the tag alone.

    Raises:
        BadInputError: A file does not say its version as it is known here.
    """
    texts = {}
    distributions = [name for name in _DISTRIBUTIONS if (root / name).is_file()]
    for name in distributions:
        text = (root / name).read_text(encoding="utf-8")
        old = str(tomllib.loads(text).get("project", {}).get("version", ""))
        changed, times = re.subn(
            rf'^(version *= *"){re.escape(old)}(")', rf"\g<1>{version}\g<2>", text, flags=re.M
        )
        if not old or times != 1:
            raise BadInputError(
                f'{name} does not say its version in one line: version = "1.2.3".', "Write it so."
            )
        texts[name] = re.sub(
            rf'("dataflow-runtime(?:\[[^]"]*\])?==){re.escape(old)}(?=["; ])',
            rf"\g<1>{version}",
            changed,
        )
    if distributions:
        config = next(name for name in CONFIG_FILES if (root / name).is_file())
        text = (root / config).read_text(encoding="utf-8")
        if _QUESTION in (yaml.safe_load(text) or {}):
            texts[config] = _with_question(config, text, version)
    return texts


def _with_question(config: str, text: str, version: str) -> str:
    changed, times = re.subn(
        rf'^({_QUESTION}:\n(?:[ \t]+[^\n]*\n)*?[ \t]+default: *)"[^"\n]*"',
        rf'\g<1>"{version}"',
        text,
        flags=re.MULTILINE,
    )
    if times != 1:
        raise BadInputError(
            f"{config} does not say the library's version as it is known here.",
            f'Write `{_QUESTION}:` and below it a line `default: "1.2.3"`.',
        )
    return changed
