"""A model that refers to one, or to a source, that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.modelling.missing_node import told_missing_node

SAID = "Model 'model.a.b' (models/marts/report.sql) depends on a {what} which was not found"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dbt project with one model, and sources of its own and of a package."""
    (tmp_path / "models/staging").mkdir(parents=True)
    (tmp_path / "models/staging/stg_orders.sql").write_text("select 1")
    (tmp_path / "models/staging/_sources.yml").write_text(
        "sources:\n  - name: crm\n    tables: [{name: kunden}, {name: bestellungen}]\n"
    )
    (tmp_path / "models/staging/broken.yml").write_text("sources: [")
    (tmp_path / "dbt_packages/others/models").mkdir(parents=True)
    (tmp_path / "dbt_packages/others/models/sources.yml").write_text(
        "sources:\n  - name: orders\n    tables:\n      - name: daily\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("what", "hint"),
    [
        ("node named 'stg_order'", "did you mean `stg_orders`?"),
        ("source named 'crm.kundn'", "did you mean `crm.kunden`?"),
        ("source named 'order.daily'", "did you mean `orders.daily`?"),
        ("source named 'x.y'", "there are: crm.bestellungen, crm.kunden, orders.daily"),
    ],
)
def test_what_is_meant_is_named_with_the_path_that_people_type(
    folder: Path, what: str, hint: str
) -> None:
    """The nearest one, or all that there are."""
    told = told_missing_node(SAID.format(what=what), folder, "src/report/dbt")
    assert "(src/report/dbt/models/marts/report.sql)" in told
    assert told.endswith(f"; {hint}")


def test_other_faults_stay_as_they_are(folder: Path) -> None:
    """Nothing is added to them."""
    assert told_missing_node("Runtime Error: no such file", folder) == "Runtime Error: no such file"
