"""Whether `dataflow workflow check` tells of a type of the contract that staging does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.project import Project
from dataflow_tools.checks.contract_types import check_contract_types
from dataflow_tools.checks.planning import check_source
from dataflow_tools.checks.protocol import Status
from dataflow_tools.checks.workflow_source import WorkflowSource

ANSWERS = """_commit: v1
_src_path: x
table: sales
columns:
- {name: Order Date, identifier: order_date, type: VARCHAR, role: text, tests: []}
- {name: net, identifier: net, type: DOUBLE, role: measure, tests: []}
"""
STAGING = """select
    cast("Order Date" as varchar) as order_date,
    cast(net as {{ native_type('double') }}) as net
from source
"""
CONFIG = """ingestion:
  source: {type: odd, folder: data/in}
  columns: {Order Date: ORDERED, net: {type: "decimal(12,2)"}}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> WorkflowSource:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    folder = project.workflow_dir("sales")
    (folder / "dbt" / "models" / "staging").mkdir(parents=True)
    (folder / ".copier-answers.yml").write_text(ANSWERS)
    (folder / "config.yaml").write_text(CONFIG.replace("ORDERED", "text"))
    (folder / "dbt" / "models" / "staging" / "stg_sales.sql").write_text(STAGING)
    return WorkflowSource(project, "sales")


def test_a_cast_that_was_left_behind_is_told_of(workflow: WorkflowSource) -> None:
    """Both types, the line, and the command that settles it; a text that is still text is not."""
    verdict = check_contract_types(workflow)
    assert verdict.status is Status.ADVISED
    (found,) = verdict.findings
    assert (found.line, found.file.endswith("stg_sales.sql")) == (3, True)
    assert "net is decimal(12,2) in the contract" in found.reason
    assert "dataflow workflow inspect sales --accept" in found.instruction


def test_a_cast_of_ones_own_is_left_alone(workflow: WorkflowSource) -> None:
    """A person who casts the column already, to whatever type, is told nothing."""
    model = workflow.folder / "dbt" / "models" / "staging" / "stg_sales.sql"
    model.write_text(STAGING.replace("native_type('double')", "native_type('float')"))
    assert check_contract_types(workflow).status is Status.MET


def test_a_source_of_ones_own_needs_no_url(workflow: WorkflowSource) -> None:
    """What finds its data is known to the plug-in or the workflow, not to the checklist."""
    assert check_source(workflow).status is Status.MET
