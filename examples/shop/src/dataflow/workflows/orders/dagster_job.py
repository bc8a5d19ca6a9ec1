"""The Dagster job: extract, transform, load, model, publish."""

from dagster import in_process_executor, job, op

from dataflow.authoring import BuildResult, LoadResult, Steps, StoredTable
from dataflow.workflows.registry import register_workflow

from .ingestion import extract_data
from .transform import transform_data

steps = Steps(__package__)


@op
def extract_orders() -> StoredTable:
    """Fetch the rows from the source."""
    return steps.extract(extract_data)


@op
def transform_orders(extracted: StoredTable) -> StoredTable:
    """Clean and enrich the rows."""
    return steps.transform(transform_data, extracted)


@op
def load_orders(transformed: StoredTable) -> LoadResult:
    """Load the rows into the warehouse."""
    return steps.load(transformed)


@op
def model_orders(loaded: LoadResult) -> BuildResult:
    """Build and test the dbt models."""
    return steps.model(loaded)


@op
def publish_orders(modelled: BuildResult) -> dict[str, int]:
    """Hand the tables to the dashboard."""
    return steps.publish(modelled)


@job(executor_def=in_process_executor)
def orders_job() -> None:
    """Take the data end to end, from its source to the dashboard."""
    extracted = extract_orders()
    transformed = transform_orders(extracted)
    loaded = load_orders(transformed)
    modelled = model_orders(loaded)
    publish_orders(modelled)


register_workflow(
    workflow_id=__package__,
    job=orders_job,
    description="What the shop sold, from the file that the till exports every night.",
)
