"""What transform_data promises."""

from dataflow.authoring import Sandbox
from dataflow.shared.config import load_config
from dataflow.workflows.orders.transform import transform_data


def test_rows_come_out_that_can_be_loaded(sandbox: Sandbox) -> None:
    """The sample passes through, as the job hands it on."""
    transformed = transform_data(sandbox.extracted("sample.json"))
    assert sandbox.rows(transformed) > 0
    assert isinstance(transformed["metadata"], dict)


def test_the_stages_of_the_configuration_are_applied(sandbox: Sandbox) -> None:
    """All of them, in their order; a row that comes twice stays once where they say so."""
    sandbox.require_stages()
    rows = sandbox.sample("sample.json")
    once = transform_data(sandbox.extracted(rows))
    twice = transform_data(sandbox.extracted([*rows, rows[0]]))
    stages = load_config("orders")["transformation"]["stages"]
    assert sandbox.stages(once) == [stage["name"] for stage in stages]
    if sandbox.has_option("remove_duplicates"):
        assert sandbox.rows(twice) == sandbox.rows(once)


def test_no_rows_are_no_problem(sandbox: Sandbox) -> None:
    """An empty answer of the source passes through."""
    sandbox.require_stages()
    nothing = sandbox.extracted("sample.json")
    nothing["data"] = nothing["data"][:0]
    assert sandbox.rows(transform_data(nothing)) == 0
