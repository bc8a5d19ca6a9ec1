"""What transform_data promises."""

from dataflow.authoring import Sandbox
from dataflow.workflows.orders.transform import transform_data


def test_duplicates_go_and_stages_are_named(sandbox: Sandbox) -> None:
    """A row that comes twice stays once, and the metadata say what was done."""
    rows = sandbox.sample("sample.json")
    transformed = transform_data({"data": [*rows, rows[0]], "metadata": {}})
    assert len(transformed["data"]) == len(rows)
    assert [stage["name"] for stage in transformed["metadata"]["transformation_stages"]] == [
        "cleaning",
        "enrichment",
    ]


def test_no_rows_are_no_problem(sandbox: Sandbox) -> None:
    """An empty answer of the source passes through."""
    assert sandbox.rows(transform_data({"data": [], "metadata": {}})) == 0
