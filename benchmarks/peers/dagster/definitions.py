"""Assets of dlt and of dbt, one after the other."""

from pathlib import Path

import dlt
from dagster import AssetExecutionContext, AssetSpec, Definitions
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets
from dagster_dlt import DagsterDltResource, DagsterDltTranslator, dlt_assets
from dagster_dlt.translator import DltResourceTranslatorData
from dlt.sources.filesystem import readers

HERE = Path(__file__).parent
dbt_project = DbtProject(HERE / "dbt", profiles_dir=HERE / "dbt")
dbt_project.prepare_if_dev()


@dlt.source
def files():
    """The file, by the fastest reader of CSV that dlt has."""
    reader = readers(bucket_url=".", file_glob="sales.csv").read_csv_duckdb(use_pyarrow=True)
    return reader.with_name("sales")


class Keys(DagsterDltTranslator):
    """Names the loaded tables as dbt names its sources."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> AssetSpec:
        """The asset of a table."""
        return super().get_asset_spec(data).replace_attributes(key=["raw", data.resource.name])


@dlt_assets(
    dlt_source=files(),
    dlt_pipeline=dlt.pipeline(
        pipeline_name="sales",
        destination=dlt.destinations.duckdb("warehouse.duckdb"),
        dataset_name="raw",
    ),
    dagster_dlt_translator=Keys(),
)
def loaded(context: AssetExecutionContext, dlt: DagsterDltResource):
    """The raw table."""
    yield from dlt.run(context=context, write_disposition="replace")


@dbt_assets(manifest=dbt_project.manifest_path)
def modelled(context: AssetExecutionContext, dbt: DbtCliResource):
    """The models and their tests."""
    yield from dbt.cli(["build"], context=context).stream()


defs = Definitions(
    assets=[loaded, modelled],
    resources={"dlt": DagsterDltResource(), "dbt": DbtCliResource(project_dir=dbt_project)},
)
