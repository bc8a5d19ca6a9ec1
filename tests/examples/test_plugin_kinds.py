"""The other kinds of the example plug-in, as a team uses them in a project."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

DATAFLOW = ("-m", "dataflow.cli")


@pytest.fixture(scope="module")
def project(plugin_python: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has chosen the plug-in's kinds, with one workflow, after a run."""
    folder = tmp_path_factory.mktemp("team")
    plugin_python(folder, *DATAFLOW, "init", "shop", "--defaults")
    root = folder / "shop"
    plugin_python(root, *DATAFLOW, "workflow", "new", "orders", "--defaults")
    settings = root / "pyproject.toml"
    text = settings.read_text().replace(
        "[tool.dataflow]\n",
        "[tool.dataflow]\n"
        'warehouse = {type = "shared_folder", folder = "../warehouses"}\n'
        'publishers = ["parquet", {type = "csv_folder", folder = "out"}]\n'
        'secrets = [{type = "password_store", command = ["printf", "of-the-store"]}]\n'
        'variables = {LOGIN = "${ONLY_IN_THE_STORE}"}\n',
    )
    settings.write_text(text)
    config = root / "src/dataflow/workflows/orders/config.yaml"
    stage = "  stages:\n    - {name: pseudonyms, options: {columns: [category]}}\n"
    config.write_text(config.read_text().replace("  stages:\n", stage))
    accepted = re.compile(r"\s+- accepted_values:\n(\s{12,}.*\n)+")
    for models in root.glob("src/dataflow/workflows/orders/dbt/models/*/_*.yml"):
        models.write_text(accepted.sub("\n", models.read_text()))
    plugin_python(root, *DATAFLOW, "workflow", "run", "orders")
    return root


def test_the_stage_changes_the_rows_of_a_run(
    project: Path, plugin_python: Callable[..., str]
) -> None:
    """Equal values have equal pseudonyms, and no value is left."""
    code = (
        "import duckdb, json; c = duckdb.connect('../warehouses/shop/orders.duckdb')\n"
        "print(json.dumps(c.sql('SELECT DISTINCT category FROM raw.orders').fetchall()))"
    )
    values = [value for (value,) in json.loads(plugin_python(project, "-c", code))]
    assert len(values) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", value) for value in values)


def test_the_warehouse_lies_where_the_project_says(
    project: Path, plugin_python: Callable[..., str]
) -> None:
    """The tables are in the shared folder, none in the project's own, and the command says so."""
    assert not list((project / "data").glob("*.duckdb"))
    said = plugin_python(project, *DATAFLOW, "workflow", "where", "orders")
    assert Path(said.strip()).resolve() == project.parent / "warehouses/shop/orders.duckdb"
    assert "From dataflow-example-plugin." in plugin_python(
        project, *DATAFLOW, "workflow", "--help"
    )


def test_the_store_gives_what_is_nowhere_else(
    project: Path, plugin_python: Callable[..., str]
) -> None:
    """The program that the project names is asked for it."""
    code = "from dataflow.shared.project import find_project; print(find_project().values['LOGIN'])"
    assert plugin_python(project, "-c", code).strip() == "of-the-store"


def test_both_publishers_publish(project: Path) -> None:
    """The marts are there as CSV, and the dashboards' manifest names their tables."""
    lines = (project / "out/orders/orders.csv").read_text().splitlines()
    assert len(lines) == 7
    manifest = json.loads((project / ".dataflow/site/public/data/manifest.json").read_text())
    assert "orders" in manifest["renderedFiles"]


def test_the_check_judges_a_point_of_its_own(
    project: Path, plugin_python: Callable[..., str]
) -> None:
    """Missing until the README names an owner."""
    arguments = ("workflow", "check", "orders", "--no-tests", "--json")

    def status() -> str:
        code = (
            "import sys, json; from dataflow.cli.main import main\n"
            f"sys.argv = ['dataflow', *{arguments!r}]\n"
            "try: main()\nexcept SystemExit: pass"
        )
        said = json.loads(plugin_python(project, "-c", code))
        [report] = said["workflows"]
        [point] = [point for point in report["points"] if point["point"] == "owner"]
        assert point["group"] == "House rules"
        return str(point["status"])

    assert status() == "missing"
    readme = project / "src/dataflow/workflows/orders/README.md"
    readme.write_text(f"{readme.read_text()}\nOwner: Ann\n")
    assert status() == "met"
