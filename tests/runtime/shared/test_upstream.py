"""`workflow.after`: which names it takes, and where it says that one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.shared.config import ConfigError, read_config

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the configuration of a workflow that comes after others."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")

    def config(name: str, after: str) -> Path:
        folder = tmp_path / "src" / "dataflow" / "workflows" / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "config.yaml"
        path.write_text(
            f"workflow:\n  name: {name}\n  after: {after}\n"
            "ingestion: {source: {type: file, url: rows.csv}}\n"
        )
        return path

    return config


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    [finding] = caught.value.findings
    return str(finding)


def test_workflows_and_assets_of_theirs_may_be_named(write: Write) -> None:
    """One alone without a list; an asset's key also where no workflow of ours makes it."""
    write("orders", "[]")
    named = read_config(write("report", "[orders/marts/daily, bank/balance]")).workflow
    assert named.after == ["orders/marts/daily", "bank/balance"]
    assert named.upstreams == ["orders", "bank"]
    assert read_config(write("report", "orders")).workflow.after == ["orders"]
    assert read_config(write("report", "")).workflow.after == []


def test_what_cannot_be_come_after_is_refused_with_its_line(write: Write) -> None:
    """Unknown names with the near one, itself, the same twice, and what is no list."""
    write("orders", "[]")
    for after, said in (
        ("[ordres]", 'after[0]: "ordres" is no workflow of this project; did you mean `orders`?'),
        ("ordres", 'after: "ordres" is no workflow of this project; did you mean `orders`?'),
        (f"[{'q' * 300}]", "qqq... is no workflow of this project"),
        ("[orders, report]", 'after[1]: "report" is the workflow itself'),
        ("[orders, orders]", "names one twice"),
        ("[orders/]", "is no key of an asset"),
        ("3", "3 is no list of workflows"),
    ):
        told = fault(write("report", after))
        assert said in told
        assert "report/config.yaml:3" in told


def test_a_circle_is_refused_and_shown(write: Write) -> None:
    """Also one through a third workflow, or through an asset; a circle of others is theirs."""
    write("a", "[c/marts/c]")
    write("b", "a")
    assert "closes a circle: c after b after a after c" in fault(write("c", "[b]"))
    assert "a/config.yaml:3" in fault(write("a", "[c/marts/c]"))
    assert read_config(write("d", "[c]")).workflow.after == ["c"]


ALONE = "workflow:\n  name: report\n  after: [orders]\n"


def test_a_workflow_after_others_needs_no_source(write: Write) -> None:
    """It loads no table; without `after` the file says what is missing."""
    write("orders", "[]")
    path = write("report", "[orders]")
    path.write_text(ALONE)
    config = read_config(path)
    assert config.tables == []
    assert config.ingestion.parameters.max_retries == 3
    path.write_text("workflow: {name: report}\n")
    told = fault(path)
    assert "ingestion: is missing" in told
    assert "workflow.after" in told


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("  partition: {every: day, start: 2024-01-01}\n", "workflow.partition"),
        ("transformation: {stages: [{name: cleaning}]}\n", "transformation"),
        ("load: {write_disposition: append}\n", "load"),
    ],
)
def test_what_needs_rows_of_a_source_is_refused_without_one(
    write: Write, more: str, key: str
) -> None:
    """Whoever writes it means something that would not happen."""
    write("orders", "[]")
    path = write("report", "[orders]")
    path.write_text(ALONE + more)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert any(
        each.key_path.startswith(key) and "needs rows of a source" in each.reason
        for each in caught.value.findings
    )
