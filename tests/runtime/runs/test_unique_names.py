"""Ops of two workflows may have one name; nothing that people see changes by that."""

from __future__ import annotations

from dagster import In, JobDefinition, Nothing, Out, graph, job, op

from dataflow.runs.unique_names import with_unique_names


def a_job(name: str, value: int) -> JobDefinition:
    """A job whose ops and nested graph every author calls the same."""

    @op
    def extract() -> int:
        return value

    @op
    def double(rows: int) -> int:
        return rows * 2

    @op(ins={"after": In(Nothing)}, out=Out(int))
    def count() -> int:
        return value

    @graph
    def both(rows: int) -> int:
        doubled: int = double(double(rows))
        return doubled

    @job(name=name, tags={"of": name})
    def made() -> None:
        count(after=both(extract()))
        count.alias("again")()

    return made


def test_both_workflows_run_as_they_did() -> None:
    """Steps keep their names and results, jobs their names and tags; definitions are apart."""
    jobs = {"a": {"a_job": a_job("a_job", 1)}, "b": {"b_job": a_job("b_job", 2)}}
    renamed = with_unique_names(jobs)
    names = [{node.name for node in renamed[one][f"{one}_job"].all_node_defs} for one in ("a", "b")]
    assert names[0] == {"a__extract", "a__double", "a__count", "a__both"}
    assert not names[0] & names[1]
    for one, value in (("a", 1), ("b", 2)):
        before, after = jobs[one][f"{one}_job"], renamed[one][f"{one}_job"]
        assert (after.name, after.tags["of"]) == (before.name, before.name)
        result = after.execute_in_process()
        assert result.success
        steps = {event.step_key for event in result.all_events if event.is_step_success}
        assert steps == {"extract", "both.double", "both.double_2", "count", "again"}
        assert result.output_for_node("both") == value * 4


def test_names_that_are_unique_already_are_left_alone() -> None:
    """A job that shares none is the same object; so is what two jobs of one workflow share."""

    @op
    def own() -> None: ...

    @job
    def alone() -> None:
        own()

    @job
    def another() -> None:
        own()

    jobs = {"a": {"alone": alone, "another": another}, "b": {"b_job": a_job("b_job", 2)}}
    assert with_unique_names(jobs) == jobs
    jobs["c"] = {"c_job": a_job("c_job", 3)}
    renamed = with_unique_names(jobs)
    assert renamed["a"]["alone"] is alone
    assert renamed["b"]["b_job"] is not jobs["b"]["b_job"]
