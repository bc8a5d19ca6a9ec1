"""The tables of orders as Dagster assets: what is made from what."""

from dagster import AssetSpec

WORKFLOW = "orders"

source = AssetSpec(
    key=[WORKFLOW, "source"],
    group_name=WORKFLOW,
    description="The source that config.yaml names.",
    kinds={"file"},
)

raw_table = AssetSpec(
    key=[WORKFLOW, "raw", "orders"],
    group_name=WORKFLOW,
    description="The rows as they were loaded.",
    deps=[source],
    kinds={"duckdb"},
)

staging = AssetSpec(
    key=[WORKFLOW, "staging", "stg_orders"],
    group_name=WORKFLOW,
    description="The columns with their names and types.",
    deps=[raw_table],
    kinds={"duckdb", "dbt"},
)

mart = AssetSpec(
    key=[WORKFLOW, "marts", "orders"],
    group_name=WORKFLOW,
    description="The table that people and dashboards read.",
    deps=[staging],
    kinds={"duckdb", "dbt"},
)

dashboard = AssetSpec(
    key=[WORKFLOW, "dashboard"],
    group_name=WORKFLOW,
    description="The pages under /orders/.",
    deps=[mart],
    kinds={"evidence"},
)
