"""A workflow's lake under another workflow's name.

In Postgres the rows that say whose a state is change in one transaction, and files stay where they
are: in an object store nothing can be moved. A row says which folder that is, once it is not the
one of the workflow's name. Where the catalog is a file, it and the folder get the new name.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.database import STATES_FOLDER, open_database, warehouse_fault
from dataflow.warehouse.file_copy import copy_file
from dataflow.warehouse.lake_database import HOME, give_up, is_made

if TYPE_CHECKING:
    from dataflow.warehouse.lake_database import Database


def folder_of(database: Database, workflow_id: str) -> str:
    """The folder of a workflow's files below the lake's, where it is not that of its name."""
    # A catalog that an earlier version has made has no such column.
    own = database.execute(
        f"SELECT to_jsonb(s)->>'folder' AS folder FROM {HOME}.states AS s "
        "WHERE workflow_id = %s LIMIT 1",
        [workflow_id],
    ).fetchone()
    if own:
        return own["folder"] or ""
    taken = database.execute(
        f"SELECT 1 FROM {HOME}.states AS s WHERE to_jsonb(s)->>'folder' = %s LIMIT 1",
        [workflow_id],
    ).fetchone()
    # One workflow would remove the files of the other, which it does not know.
    return f"{workflow_id}__{secrets.token_hex(4)}" if taken else ""


def rename_rows(database: Database, old: str, new: str) -> None:
    """Let the states of a workflow be another one's; what a failed run has left is given up.

    What is done already is not done again.

    Raises:
        BadInputError: There are tables of the new name.
    """
    rows = _rows(database, old)
    if not rows:
        return
    for row in _rows(database, new):
        if row["role"] != "dropped" and is_made(database, row["schema_name"]):
            raise taken(new, "the lake's catalog")
        database.execute(f'DROP SCHEMA IF EXISTS "{row["schema_name"]}" CASCADE'.encode())
        database.execute(f"DELETE FROM {HOME}.states WHERE schema_name = %s", [row["schema_name"]])
    for row in rows:
        if row["role"] == "working":
            had_work = is_made(database, row["schema_name"])
            give_up(database, old, row["runs"], had_work=had_work)
    # A run of the old name that is at work elsewhere is told so; so is who takes it up again.
    database.execute(
        f"INSERT INTO {HOME}.given_up SELECT %s, run_id, had_work, at FROM {HOME}.given_up "
        "WHERE workflow_id = %s",
        [new, old],
    )
    if "folder" not in rows[0]:
        database.execute(f"ALTER TABLE {HOME}.states ADD folder text NOT NULL DEFAULT ''")
    folder = rows[0].get("folder") or old
    database.execute(
        f"UPDATE {HOME}.states SET workflow_id = %s, folder = %s, "
        "role = CASE role WHEN 'working' THEN 'dropped' ELSE role END WHERE workflow_id = %s",
        [new, "" if folder == new else folder, old],
    )
    # Its own next run holds what it reads under the new name.
    database.execute(f"DELETE FROM {HOME}.held WHERE reader = %s", [old])


def taken(new: str, where: str) -> BadInputError:
    """There are tables of the new name."""
    return BadInputError(
        f"There are tables of {new} in {where} already.", "Choose another name, or remove them."
    )


def rename_files(old: Path, new: Path, data: tuple[str, str]) -> None:
    """Let a catalog, its kept states and the folder of its files have another name.

    What was begun by a process that was killed is finished; what is done is not done again.

    Args:
        old: The catalog.
        new: Its path afterwards.
        data: The folders of its files, before and afterwards.

    Raises:
        BadInputError: There are tables of the new name, or the files are in an object store.
        WarehouseError: Something cannot be written; all is as it was.
    """
    states = old.parent / STATES_FOLDER / old.stem
    staged, begun = states / "renamed", states / "renaming.txt"
    is_begun = begun.exists() and begun.read_text(encoding="utf-8") == new.stem
    try:
        if old.exists():
            is_moved = is_begun and not (staged / new.name).exists()
            _refuse(old, new, data, is_moved=is_moved)
            if not is_begun:
                _stage(old, new, data, staged)
                begun.write_text(new.stem, encoding="utf-8")
            _move(staged, new, Path(data[0]), Path(data[1]))
            old.unlink()
            is_begun = True
        if is_begun:
            shutil.rmtree(states)
    except OSError as error:
        raise warehouse_fault(old, error) from error


def _refuse(old: Path, new: Path, data: tuple[str, str], *, is_moved: bool) -> None:
    """What stands under the new name and was not moved there is somebody else's."""
    if old.is_symlink():
        raise BadInputError(
            f"{old} is a link to {old.readlink()}.",
            "Put the file itself where the link is; the link can be made anew afterwards.",
        )
    if "://" in data[0]:
        raise BadInputError(
            f"The tables' files are in {data[0]}, where no folder can get another name, and their "
            "catalog is a file. Nothing was changed.",
            "Give the lake a `catalog` in Postgres: there it knows of another folder.",
        )
    if new.exists() and not is_moved:
        raise taken(new.stem, str(new))
    is_there = Path(data[0]).exists()
    if is_there and any(path.is_file() for path in Path(data[1]).rglob("*")):
        raise taken(new.stem, data[1])


def _stage(old: Path, new: Path, data: tuple[str, str], staged: Path) -> None:
    """Catalogs as they will be, aside."""
    shutil.rmtree(staged, ignore_errors=True)
    kept = old.parent / STATES_FOLDER / old.stem / "kept"
    for catalog in (old, *sorted(kept.glob(f"*/{old.name}"))):
        is_kept = catalog != old
        folder = staged / "kept" / catalog.parent.name if is_kept else staged
        folder.mkdir(parents=True, exist_ok=True)
        # What a writer that was killed has left belongs into the file.
        with open_database(catalog) as connection:
            connection.execute("CHECKPOINT")
        copy_file(catalog, folder / new.name)
        with open_database(folder / new.name) as connection:
            connection.execute(
                "UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [data[1]]
            )
        for note in catalog.parent.glob("*.json") if is_kept else ():
            shutil.copy2(note, folder)


def _move(staged: Path, new: Path, before: Path, after: Path) -> None:
    """What is there already was moved by a process that was killed."""
    is_moved = before.exists()
    if is_moved:
        shutil.rmtree(after, ignore_errors=True)
        before.rename(after)
    try:
        states = new.parent / STATES_FOLDER / new.stem
        if (staged / "kept").exists():
            shutil.rmtree(states, ignore_errors=True)
            states.mkdir(parents=True)
            (staged / "kept").rename(states / "kept")
        if (staged / new.name).exists():
            (staged / new.name).replace(new)
    except OSError:
        if is_moved and not new.exists():
            after.rename(before)
            (staged.parent / "renaming.txt").unlink()
        raise


def _rows(database: Database, workflow_id: str) -> list[dict[str, Any]]:
    return database.execute(
        f"SELECT * FROM {HOME}.states WHERE workflow_id = %s", [workflow_id]
    ).fetchall()
