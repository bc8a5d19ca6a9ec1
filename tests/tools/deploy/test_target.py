"""What a project is deployed to is refused where it cannot work, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.deploy.target import read_target


def refusal(root: Path, options: dict[str, str] | None = None, **groups: str) -> str:
    with pytest.raises(BadInputError) as caught:
        read_target(Project(root), options or {}, groups)
    return str(caught.value)


def test_an_environment_has_to_be_chosen(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a laptop has is never what a cluster gets."""
    monkeypatch.delenv("DATAFLOW_ENV")
    assert "--env prod" in refusal(shop)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("history", "history = "),
        ("state_store", "state_store = "),
        ("publish_target", "publish_target = "),
        ("warehouse", "warehouse = "),
    ],
)
def test_state_of_one_machine_is_refused(shop: Path, line: str, named: str) -> None:
    """Each setting without which data would end with a pod is named, with how to write it."""
    path = shop / "pyproject.toml"
    lines = [text for text in path.read_text().splitlines() if not text.startswith(line)]
    path.write_text("\n".join(lines))
    said = refusal(shop)
    assert "environments.prod" in said
    assert [line for line in said.splitlines() if line.startswith(f"  {named}")]


def test_all_that_is_missing_is_named_at_once(shop: Path) -> None:
    """Image and host, and a key that is not one."""
    path = shop / "pyproject.toml"
    text = path.read_text()
    path.write_text(text[: text.index("kubernetes =")] + 'kubernetes = {hots = "a.example"}')
    said = refusal(shop)
    assert all(f"kubernetes.{key}" in said for key in ("image", "host", "hots"))


@pytest.mark.parametrize("tag", ["latest", "a b", ""])
def test_a_tag_names_one_image_for_good(shop: Path, tag: str) -> None:
    """`latest` is another image tomorrow: a run that starts again would meet other code."""
    if not tag:
        path = shop / "pyproject.toml"
        path.write_text(path.read_text().replace('version = "1.4.0"', ""))
    assert "tag" in refusal(shop, {"tag": tag} if tag else {})


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ({"a": "ledger"}, "orders, sales"),
        ({"a": "ledger,sales", "b": "sales,*"}, "sales is in two groups"),
        ({"a": "legder,*"}, "legder"),
        ({"a": "*", "b": ""}, "group b"),
        ({"A_B": "*"}, "groups.A_B"),
    ],
)
def test_groups_have_each_workflow_once(shop: Path, groups: dict[str, str], named: str) -> None:
    """A workflow in none would never run, one in two would run twice."""
    assert named in refusal(shop, None, **groups)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://${USER}@db/runs",
        "postgresql://me@${HOST}/runs",
        "postgresql://me@db:${P}/runs",
    ],
)
def test_an_address_that_is_a_variable_is_refused(shop: Path, address: str) -> None:
    """The values of the chart need it written out; a password that is one is never rendered."""
    path = shop / "pyproject.toml"
    known = "postgresql://keeper:not-for-files@db.example.org:5433/runs"
    path.write_text(path.read_text().replace(known, address))
    assert "history" in refusal(shop)
    path.write_text(path.read_text().replace(address, "postgresql://me:${SECRET}@db.test/runs"))
    assert read_target(Project(shop), {}, {}).database.host == "db.test"


def test_options_count_before_the_settings(shop: Path) -> None:
    """And the version of the project is the tag where none is given."""
    target = read_target(Project(shop), {"namespace": "team-a", "host": "b.example.org"}, {})
    assert (target.namespace, target.host, target.tag) == ("team-a", "b.example.org", "1.4.0")
