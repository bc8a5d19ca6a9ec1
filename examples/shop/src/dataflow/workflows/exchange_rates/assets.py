"""The tables of exchange_rates as Dagster assets, for assets of your own that are made from them.

What is made from what is found in config.yaml, dbt/ and evidence/, and needs no word here. What is
said of a table here, such as `owners=["team:sales"]`, is shown with it.
"""

from dagster import AssetSpec

WORKFLOW = "exchange_rates"

source = AssetSpec([WORKFLOW, "source"])
raw_table = AssetSpec([WORKFLOW, "raw", "exchange_rates"])
staging = AssetSpec([WORKFLOW, "staging", "stg_exchange_rates"])
mart = AssetSpec([WORKFLOW, "marts", "exchange_rates"])
dashboard = AssetSpec([WORKFLOW, "dashboard"])
