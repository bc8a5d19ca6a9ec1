"""Plug-ins for tests: distributions with entry points, as pip would install them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dataflow.shared import plugins

InstallPlugin = Callable[..., None]


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallPlugin]:
    """Install a distribution of one module: ``install(name, code, group="point = module:X")``."""
    folder = tmp_path / "site-packages"
    modules: list[str] = []

    def install(name: str, code: str, **points: str) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"[dataflow.{group}]\n{point}\n" for group, point in points.items()]
        (info / "entry_points.txt").write_text("".join(lines))
        monkeypatch.syspath_prepend(str(folder))
        _forget()

    yield install
    monkeypatch.undo()
    # Another test's plug-in of this name is other code.
    for module in modules:
        sys.modules.pop(module, None)
    _forget()


def _forget() -> None:
    plugins.installed.cache_clear()
    plugins._points.cache_clear()
