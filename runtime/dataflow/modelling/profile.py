"""The profile by which dbt finds a workflow's warehouse: its own file, or one that is made of it.

A workflow's ``profiles.yml`` names its DuckDB file. Where the warehouse is something else, or the
models read tables of other workflows, dbt gets a profile in the state folder instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.shared.duckdb_memory import memory_limit
from dataflow.shared.plain_yaml import dump_yaml, load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataflow.warehouse.kind import HeldTables

_TARGET = "dataflow"


def profile_folder(
    folder: Path,
    state: Path,
    output: Mapping[str, Any] | None,
    upstream: Mapping[str, HeldTables],
) -> Path:
    """The folder of the profile that dbt is to use for a project.

    Args:
        folder: The dbt project.
        state: Where dbt's artefacts of it lie.
        output: What the warehouse says of itself; None if the project's own profile does.
        upstream: The tables of other workflows that are to be attached, by the ids of those.
    """
    attached = [
        entry
        for name, held in upstream.items()
        if held.exists() and (entry := held.dbt_attachment(name)) is not None
    ]
    limit = memory_limit()
    if output is None and not upstream and not limit:
        return folder
    try:
        if output is None:
            profiles = load_yaml((folder / "profiles.yml").read_text(encoding="utf-8"))
        else:
            named = load_yaml((folder / "dbt_project.yml").read_text(encoding="utf-8"))
            profiles = {named["profile"]: {"target": _TARGET, "outputs": {_TARGET: dict(output)}}}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        # dbt says what is wrong with it.
        return folder
    for profile in profiles.values() if isinstance(profiles, dict) else ():
        outputs = profile.get("outputs") if isinstance(profile, dict) else None
        for each in outputs.values() if isinstance(outputs, dict) else ():
            if not isinstance(each, dict) or each.get("type") != "duckdb":
                continue
            if attached:
                each["attach"] = [*(each.get("attach") or []), *map(dict, attached)]
            if limit:
                each["settings"] = {"memory_limit": limit, **(each.get("settings") or {})}
    write_yaml(state / "profile" / "profiles.yml", profiles)
    return state / "profile"


def write_yaml(path: Path, values: Any) -> None:
    """Write a YAML file, unless it is so already: dbt reads anew what has changed."""
    text = dump_yaml(values, sort_keys=False, allow_unicode=True)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
