"""Moving files and folders to their places."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dataflow_tools.scaffold.relocation import relocate


def test_a_folder_is_moved_to_another_file_system(tmp_path: Path) -> None:
    """Whole, with its links as links, and nothing is left behind on either side."""
    memory = Path("/dev/shm")  # noqa: S108 - a file system of its own, on Linux
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    with TemporaryDirectory(dir=memory) as elsewhere:
        made = Path(elsewhere) / "sales"
        (made / "dbt").mkdir(parents=True)
        (made / "config.yaml").write_text("a: 1\n")
        (made / "link").symlink_to("config.yaml")
        target = tmp_path / "workflows" / "sales"
        relocate(made, target)
        assert list(Path(elsewhere).iterdir()) == []
    assert sorted(path.name for path in target.iterdir()) == ["config.yaml", "dbt", "link"]
    assert (target / "link").is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["sales"]
