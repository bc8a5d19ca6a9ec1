"""The tables of orders as Dagster assets, for assets of your own that are made from them.

What is made from what is found in config.yaml, dbt/ and evidence/, and needs no word here. What is
said of a table here, such as `owners=["team:sales"]`, is shown with it.
"""

from dagster import AssetSpec

WORKFLOW = "orders"

source = AssetSpec([WORKFLOW, "source"])
raw_table = AssetSpec([WORKFLOW, "raw", "orders"])
staging = AssetSpec([WORKFLOW, "staging", "stg_orders"])
mart = AssetSpec([WORKFLOW, "marts", "orders"])
dashboard = AssetSpec([WORKFLOW, "dashboard"])
