"""The Dagster job: extract, transform, load, model, publish."""

from dagster import in_process_executor, job, op

from dataflow.authoring import BuildResult, LoadResult, Steps, StoredTable
from dataflow.workflows.registry import register_workflow

from .ingestion import extract_data
from .transform import transform_data

steps = Steps(__package__)


@op
def extract_exchange_rates() -> StoredTable:
    """Fetch the rows from the source."""
    return steps.extract(extract_data)


@op
def transform_exchange_rates(extracted: StoredTable) -> StoredTable:
    """Clean and enrich the rows."""
    return steps.transform(transform_data, extracted)


@op
def load_exchange_rates(transformed: StoredTable) -> LoadResult:
    """Load the rows into the warehouse."""
    return steps.load(transformed)


@op
def model_exchange_rates(loaded: LoadResult) -> BuildResult:
    """Build and test the dbt models."""
    return steps.model(loaded)


@op
def publish_exchange_rates(modelled: BuildResult) -> dict[str, int]:
    """Hand the tables to the dashboard."""
    return steps.publish(modelled)


@job(executor_def=in_process_executor)
def exchange_rates_job() -> None:
    """Take the data end to end, from its source to the dashboard."""
    extracted = extract_exchange_rates()
    transformed = transform_exchange_rates(extracted)
    loaded = load_exchange_rates(transformed)
    modelled = model_exchange_rates(loaded)
    publish_exchange_rates(modelled)


register_workflow(
    workflow_id=__package__,
    job=exchange_rates_job,
    description="Daily rates of the currencies that the shop takes.",
)
