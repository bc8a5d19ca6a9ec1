"""The project's pipeline."""

from kedro.pipeline import Pipeline, node, pipeline

from sales.nodes import deduplicate, make_mart, publish, stage, validate


def register_pipelines() -> dict[str, Pipeline]:
    """The steps from the file to the published mart."""
    return {
        "__default__": pipeline(
            [
                node(deduplicate, "sales_csv", "raw_sales"),
                node(stage, "raw_sales", "stg_sales"),
                node(validate, "stg_sales", "validated"),
                node(make_mart, "validated", "sales"),
                node(publish, "sales", "published"),
            ]
        )
    }
