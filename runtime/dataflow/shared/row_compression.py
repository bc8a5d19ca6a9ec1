"""How the files are compressed that hand the rows of a run from step to step."""

from __future__ import annotations

from typing import Literal

from dataflow.shared.project import known_project


def row_compression() -> Literal["lz4", "zstd"]:
    """The codec of such files, as DuckDB and Arrow call it.

    LZ4 costs the least where a file is written and read on one machine. With the setting
    ``state_store`` each file goes over the network, and half the bytes are worth their time.

    >>> row_compression()
    'lz4'
    """
    project = known_project()
    return "zstd" if project is not None and project.settings.state_store else "lz4"
