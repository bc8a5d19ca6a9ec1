"""Reading the queries of a page as Evidence reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataflow_tools.checks.page_queries import Query, compile_query, find_queries

PAGE = """---
title: A page
---

```sql daily
select * from sales.daily
```

```python
from where import what
```

   ```sql
select 'a block without a name shows code'
```

````sql with_fence
select '```' as fence
````

```older_style
select 1
```

~~~sql tilde
select 2;
~~~
"""


def compiled(text: str, **others: str) -> str:
    queries = {name: Query(name, sql, 1) for name, sql in {**others, "asked": text}.items()}
    return compile_query(queries["asked"], queries).sql


def test_named_sql_blocks_are_queries() -> None:
    """Blocks that show code are none; the line is that of the fence."""
    found = [(query.name, query.line) for query in find_queries(PAGE)]
    assert found == [("daily", 5), ("with_fence", 17), ("older_style", 21), ("tilde", 25)]


def test_other_queries_are_put_in() -> None:
    """A reference to a query becomes its text, however deep."""
    text = compiled("select * from ${one}", one="select * from ${two};", two="select 1;")
    assert " ".join(text.split()) == "select * from (select * from (select 1 ) )"


def test_what_a_reader_has_not_chosen_is_something_harmless() -> None:
    """Inside a text it is a date, elsewhere no value at all."""
    text = "select '${inputs.day}' as \"--\" -- don't mind ${x}\nwhere x in ${inputs.x['value']}"
    assert compiled(text) == (
        "select '2000-01-01' as \"--\" -- don't mind ${x}\nwhere x in (SELECT NULL WHERE 0)"
    )


def test_a_circle_is_a_fault() -> None:
    """Two queries that are made of each other are refused, with the way around."""
    queries = {"a": Query("a", "select * from ${b}", 1), "b": Query("b", "from ${a}", 5)}
    assert compile_query(queries["a"], queries).fault == "it refers to itself: a → b → a"


def test_the_parts_are_known() -> None:
    """A fault in one query is not told again of those that are made of it."""
    queries = {
        "a": Query("a", "from ${b}", 1),
        "b": Query("b", "from ${c}", 5),
        "c": Query("c", "select ${inputs.x}", 9),
    }
    result = compile_query(queries["a"], queries)
    assert result.parts == {"b", "c"}
    assert result.has_inputs


@given(st.text(alphabet="`~sql a\n${}'-.\r\t", max_size=120))
def test_no_page_is_too_odd(page: str) -> None:
    """Whatever a page holds: each query lies on a line of its own, and compiles or has a fault."""
    queries = find_queries(page)
    lines = page.split("\n")
    for query in queries:
        assert query.name in lines[query.line - 1]
        result = compile_query(query, {each.name: each for each in queries})
        assert result.fault or "${}" not in result.sql


@given(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), unique=True, max_size=5))
def test_every_query_is_found(names: list[str]) -> None:
    """The queries of a page come in its order, each under its name and with its text."""
    page = "\n\n".join(f"```sql {name}\nselect '{name}'\n```" for name in names)
    assert [(q.name, q.sql) for q in find_queries(page)] == [(n, f"select '{n}'\n") for n in names]
