"""A publisher: every mart of a workflow as a CSV file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field

from dataflow.publish.kind import PublisherKind, PublishRequest
from dataflow.shared.config_types import Section, Text
from dataflow.shared.sql import quote_identifier


class CsvFolder(Section):
    """Every mart as a CSV file."""

    type: Literal["csv_folder"] = Field(description="Every mart as a CSV file.")
    folder: Text = Field(
        default="exports", description="The folder; a relative one starts at the project's."
    )


def publish(settings: CsvFolder, request: PublishRequest) -> dict[str, int]:
    """Write all marts aside, and put them in the place of the old ones at the end."""
    folder = request.project.root / settings.folder
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder, prefix=f".{request.workflow_id}-"))
    try:
        rows = {name: _write(request, name, aside) for name in _marts(request)}
        target = folder / request.workflow_id
        shutil.rmtree(target, ignore_errors=True)
        aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return rows


def _marts(request: PublishRequest) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'"
    return sorted(str(name) for (name,) in request.connection.execute(query).fetchall())


def _write(request: PublishRequest, name: str, folder: Path) -> int:
    table = request.connection.sql(f"FROM marts.{quote_identifier(name)}")
    table.write_csv(str(folder / f"{name}.csv"))
    return len(table)


KIND = PublisherKind(CsvFolder, publish)
