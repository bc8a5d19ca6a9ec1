"""Load the file with dlt's source for files, whose fastest reader of CSV is DuckDB's."""

import dlt
from dlt.sources.filesystem import readers

sales = readers(bucket_url=".", file_glob="sales.csv").read_csv_duckdb(use_pyarrow=True)
pipeline = dlt.pipeline(
    pipeline_name="sales",
    destination=dlt.destinations.duckdb("warehouse.duckdb"),
    dataset_name="raw",
)
print(pipeline.run(sales.with_name("sales"), write_disposition="replace"))
