"""The fastest way into dlt: Arrow reads and drops repeated rows."""

from datetime import UTC, datetime

import dlt
import pyarrow as pa
import pyarrow.csv

table = pyarrow.csv.read_csv("sales.csv")
table = table.group_by(table.column_names, use_threads=True).aggregate([])
now = pa.scalar(datetime.now(UTC), type=pa.timestamp("us", tz="UTC"))
pipeline = dlt.pipeline(
    "sales", destination=dlt.destinations.duckdb("warehouse.duckdb"), dataset_name="raw"
)
pipeline.run(
    table.append_column("processed_at", pa.repeat(now, table.num_rows)),
    table_name="sales",
    write_disposition="replace",
)
