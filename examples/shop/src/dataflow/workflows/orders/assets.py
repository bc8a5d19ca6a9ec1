"""The tables as Dagster assets, for assets of your own that are made from them.

What is made from what is found in config.yaml, dbt/ and evidence/, and needs no word here. What is
said of a table here, such as `owners=["team:sales"]`, is shown with it.
"""

from dagster import AssetSpec

WORKFLOW = __package__.rpartition(".")[2]

source = AssetSpec(
    key=[WORKFLOW, "source"],
    kinds={"file"},
)

raw_table = AssetSpec(
    key=[WORKFLOW, "raw", "orders"],
    kinds={"duckdb"},
)

staging = AssetSpec(
    key=[WORKFLOW, "staging", "stg_orders"],
    kinds={"duckdb", "dbt"},
)

mart = AssetSpec(
    key=[WORKFLOW, "marts", "orders"],
    kinds={"duckdb", "dbt"},
)

dashboard = AssetSpec(
    key=[WORKFLOW, "dashboard"],
    kinds={"evidence"},
)
