"""What a page tells the site's components is held against the tables that are published."""

from __future__ import annotations

import pytest

from dataflow_tools.site.page_datasets import dataset_faults, find_datasets

TABLES = {
    "orders": ["created_at", "country", "amount", "visits", "Betrag (EUR)"],
    "orders_daily": [
        *("day", "first_at", "last_at", "country", "region", "row_count"),
        *("profit_sum", "profit_count", "amount_sum"),
    ],
}
PAGE = """# Orders

<script>
    // The table of all orders.
    const dataset = {
        table: 'orders',
        date: 'created_at',
        categories: ['country', %s],
        measures: [{ name: 'amount', weight:'visits' }, { name: 'profit' },],
\tnames: { betrag: "Betrag (EUR)" }, /* as the source
        calls it */
        label: 'an { open brace',
    };
</script>

<Overview of={dataset} />
<Ranking
    of={dataset}
    by=%s />
"""


def said(page: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.reason) for fault in dataset_faults(find_datasets(page), TABLES)]


@pytest.mark.parametrize("column", ["country", "Amount", "region", "profit", "betrag"])
def test_what_is_published_is_no_fault(column: str) -> None:
    """Columns of the table and of those derived from it, in any case, and by the page's names."""
    assert said(PAGE % (f"'{column}'", "country")) == []


def test_a_slip_is_told_with_its_line_and_what_was_meant() -> None:
    """In the dataset, and in a component's own attribute."""
    assert said(PAGE % ("'amuont'", "contry")) == [
        (8, "the dataset names 'amuont', which orders has not; did you mean `amount`?"),
        (19, "the dataset names 'contry', which orders has not; did you mean `country`?"),
    ]


def test_a_measure_of_ones_own_sql_needs_no_column() -> None:
    """Its name is free; what the rows are about and where places lie are columns."""
    script = """const data = {
        table: 'orders',
        entity: 'ordr',
        measures: [{ name: 'won', aggregate: 'average', sql: "case when a = '{' then 1 end" }],
    };"""
    tags = """<Map of={data} latitude=lat country=country />"""
    assert [line for line, _ in said(f"<script>\n{script}\n</script>\n\n{tags}\n")] == [4, 9]


def test_a_table_that_nobody_publishes_is_told() -> None:
    """Also of a dataset that stands in the tag itself."""
    assert said("# A\n\n<Rows of={{ table: 'oders' }} title='All' />\n") == [
        (
            3,
            (
                "the dataset's table is 'oders', which no query in sources publishes; "
                "did you mean `orders`?"
            ),
        )
    ]


@pytest.mark.parametrize(
    "script",
    [
        "const dataset = { table: `orders`, date: 'never' };",
        "const dataset = { ...base, table: 'orders', date: 'never' };",
        "const dataset = { table: pick(), date: 'never' };",
        "const dataset = { table: isNew ? 'orders' : 'old', date: 'never' };",
        "const dataset = { table: 'orders', date: 'never'",
        "const other = { table: 'orders', date: 'never' };",
        "const dataset = { table: 'orders', date: never, categories: [never] };",
    ],
)
def test_what_is_computed_is_not_judged(script: str) -> None:
    """Nor an object that no component is given, nor one that does not end."""
    assert said(f"<script>\n{script}\n</script>\n\n<Overview of={{dataset}} />\n") == []


def test_an_example_is_no_part_of_the_page() -> None:
    """What stands in a fence is text."""
    assert said("```html\n<Rows of={{ table: 'oders' }} />\n```\n") == []


DERIVED = """<script>
    const dataset = {
        table: 'by_segment',
        %s
        categories: ['segment'],
        measures: [{ name: 'amount', aggregate: 'average' }],
    };
</script>
<Overview of={dataset} />
<Ranking of={dataset} by=segment />
"""


@pytest.mark.parametrize(
    ("date", "daily", "told"),
    [
        ("date: 'day',", None, "read by_segment_daily, which no query in sources publishes"),
        ("", None, "<Ranking> of 'by_segment' read by_segment_groups, which no query"),
        (
            "date: 'day',",
            ["day", "segment", "row_count"],
            "_daily lacks first_at, last_at, amount_",
        ),
    ],
)
def test_a_table_that_components_derive_is_told(
    date: str, daily: list[str] | None, told: str
) -> None:
    """A page of a mart that replaced another one: what is missing, and with which columns."""
    tables = {"by_segment": ["day", "segment", "amount"]}
    tables |= {"by_segment_daily": daily} if daily else {}
    [fault] = dataset_faults(find_datasets(DERIVED % date), tables)
    assert fault.line == 3
    assert told in fault.reason
    if daily is None:
        assert "amount_sum, amount_count" in fault.reason
        awaited = ["by_segment_daily", "by_segment_groups"]
        assert not list(dataset_faults(find_datasets(DERIVED % date), tables, awaited))
