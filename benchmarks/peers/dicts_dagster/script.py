"""A Dagster job as a first attempt writes it: every op returns the rows, which become pickles."""

import duckdb
import pandas as pd
import rows
from dagster import DagsterInstance, fs_io_manager, job, op


@op
def extract():
    """Read."""
    return rows.read("sales.csv")


@op
def transform(read):
    """Clean."""
    return rows.clean(read)


@op
def load(cleaned):
    """Write."""
    frame = pd.DataFrame(cleaned)
    with duckdb.connect("warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        connection.register("frame", frame)
        connection.execute("CREATE OR REPLACE TABLE raw.sales AS FROM frame")


@job(resource_defs={"io_manager": fs_io_manager})
def sales():
    """From the file to the raw table."""
    load(transform(extract()))


with DagsterInstance.local_temp() as instance:
    sales.execute_in_process(instance=instance)
