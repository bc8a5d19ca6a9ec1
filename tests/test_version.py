"""Template, runtime and tools are one version."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_one_version_stands_everywhere() -> None:
    """Both distributions, the tools' pin on the runtime, and the template's question."""
    runtime, tools = (
        tomllib.loads((ROOT / name / "pyproject.toml").read_text())["project"]
        for name in ("runtime", "tools")
    )
    questions = yaml.safe_load((ROOT / "copier.yml").read_text())
    version = runtime["version"]
    assert tools["version"] == version
    assert f"dataflow-runtime[evidence,run]=={version}" in tools["dependencies"]
    assert questions["runtime_version"]["default"] == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
