"""A deployment that is rendered again leaves alone what people have edited."""

from __future__ import annotations

import os
from pathlib import Path

from click.testing import CliRunner

from dataflow.shared.errors import BadInputError
from dataflow_tools.cli.deploy_kubernetes import kubernetes


def deploy(root: Path, *arguments: str) -> tuple[int, str]:
    before = Path.cwd()
    os.chdir(root)
    try:
        result = CliRunner().invoke(kubernetes, arguments)
    finally:
        os.chdir(before)
    if isinstance(result.exception, BadInputError):
        return result.exception.exit_code, result.output + str(result.exception)
    return result.exit_code, result.output


def test_the_second_time_nothing_changes(shop: Path) -> None:
    """The same again is the same, byte for byte."""
    assert deploy(shop)[0] == 0
    folder = shop / "deploy" / "kubernetes"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, said = deploy(shop)
    assert code == 0
    assert said.count(": same") == len(before) - 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_changes_is_shown_and_written(shop: Path) -> None:
    """A difference, as `diff` shows it; with --dry-run it is only shown."""
    deploy(shop)
    values = shop / "deploy" / "kubernetes" / "values.yaml"
    code, said = deploy(shop, "--tag", "1.5.0", "--dry-run")
    assert code == 0
    assert '+  - {name: registry.example.org/team/shop-api, newTag: "1.5.0"}' in said
    assert "1.5.0" not in values.read_text()
    assert deploy(shop, "--tag", "1.5.0")[0] == 0
    assert "1.5.0" in values.read_text()


def test_edits_of_people_are_kept_until_force(shop: Path) -> None:
    """The file is named and stays, the others follow; --force overwrites it."""
    deploy(shop)
    values = shop / "deploy" / "kubernetes" / "values.yaml"
    edited = values.read_text().replace("maxConcurrentRuns: 20", "maxConcurrentRuns: 200")
    values.write_text(edited)
    code, said = deploy(shop, "--tag", "1.5.0")
    assert code == 2
    assert "values.yaml: kept" in said
    assert values.read_text() == edited
    assert "1.5.0" in (values.parent / "kustomization.yaml").read_text()
    assert deploy(shop, "--tag", "1.5.0", "--force")[0] == 0
    assert "maxConcurrentRuns: 20\n" in values.read_text()
    # It is ours again.
    assert deploy(shop, "--tag", "1.6.0")[0] == 0


def test_a_refusal_writes_nothing(shop: Path) -> None:
    """Not even the folder."""
    assert deploy(shop, "--tag", "latest")[0] == 2
    assert not (shop / "deploy").exists()
