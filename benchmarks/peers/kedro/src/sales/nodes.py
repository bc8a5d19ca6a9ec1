"""What happens to the rows, as expressions that Ibis has DuckDB carry out."""

import ibis
from ibis.expr.types import Table

REGIONS = ["east", "north", "south", "west"]


def deduplicate(sales_csv: Table) -> Table:
    """Keep one of each row, with the time."""
    return sales_csv.distinct().mutate(processed_at=ibis.now())


def stage(raw_sales: Table) -> Table:
    """Cast each column."""
    return raw_sales.cast(
        {
            "id": "int64",
            "created_at": "timestamp",
            "customer": "string",
            "region": "string",
            "quantity": "int64",
            "amount": "float64",
        }
    )


def validate(stg_sales: Table) -> Table:
    """Fail unless the rows pass the eight tests; Kedro has none of its own."""
    columns = ["id", "created_at", "customer", "region", "quantity", "amount"]
    tests = {f"not_null_{name}": stg_sales[name].isnull().sum() for name in columns}
    tests["unique_id"] = stg_sales.count() - stg_sales.id.nunique()
    tests["accepted_values_region"] = stg_sales.region.notin(REGIONS).sum()
    found = stg_sales.aggregate(**tests).execute().iloc[0]
    if found.any():
        raise ValueError(f"Rows that fail tests: {found[found != 0].to_dict()}")
    return stg_sales


def make_mart(validated: Table) -> Table:
    """The mart is the staging model."""
    return validated


def publish(sales: Table) -> Table:
    """The mart as a file."""
    return sales
