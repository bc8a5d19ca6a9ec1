"""What a first script for dlt does."""

import dlt
from rows import clean, read

pipeline = dlt.pipeline(
    "sales", destination=dlt.destinations.duckdb("warehouse.duckdb"), dataset_name="raw"
)
pipeline.run(clean(read("sales.csv")), table_name="sales", write_disposition="replace")
