from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import find_node
from dataflow_tools.site.packages import install_packages
from dataflow_tools.site.site_check import check_site
from dataflow_tools.site.site_folder import assemble_site, workflow_of

pytestmark = pytest.mark.slow

FENCE = "```"
CIRCULAR = f"""{FENCE}sql qa
select * from ${{qb}}
{FENCE}

{FENCE}sql qb
select * from ${{qa}}
{FENCE}
"""
PAGES = {
    "unclosed": ("---\ntitle: X\n---\n\n# T\n\n<Grid cols=2>\n\nhello\n", 7, "left open"),
    "no_such_component": ("# T\n\ntext\n\n<BarChrt data={1} />\n", 5, "'BarChrt' is not defined"),
    "no_such_query": ("# T\n\n<BarChart data={nope} />\n", 3, "'nope' is not defined"),
    "bad_expression": ("# T\n\ntext {a +} b\n", 3, "Unexpected token"),
    "bad_block": ("# T\n\n{#each q as x}\n\n{x}\n\n{/if}\n", 7, "Expected each"),
    "bad_script": ("# T\n\n<script>\nlet a = {;\n</script>\n", 4, "Unexpected token"),
    "bad_head": ("---\ntitle: [x\n---\n\n# T\n", 2, "Flow sequence"),
    "no_such_column": (
        f"# T\n\n{FENCE}sql q\nselect\n  a,\n  nosuch\nfrom no_such_column.t\n{FENCE}\n",
        6,
        "nosuch",
    ),
    "no_such_table": (f"# T\n\n{FENCE}sql q\nselect *\nfrom nosuch\n{FENCE}\n", 5, "nosuch"),
    "newer_sql": (f"{FENCE}sql q\nselect json_extract('x', 'y') as a\n{FENCE}\n", 2, "json"),
    "circular": (CIRCULAR, 1, "circular"),
    "language": (
        f"# T\n\n{FENCE}sql c\nselect 1 as n\n{FENCE}\n\n<BigValue data={{c}} value=n />\n",
        3,
        "query c: Evidence takes the name c for a language",
    ),
    "other_language": (
        f"{FENCE}cs\nselect 1 as n\n{FENCE}\n",
        1,
        "takes the name cs for a language",
    ),
    "swallowed": (
        f"# T\n\n<Details>\n{FENCE}sql q\nselect 1\n{FENCE}\n</Details>\n",
        4,
        "the line above it (<Details>) takes it in",
    ),
    "not_closed": (
        f"# T\n\n{FENCE}sql q\nselect 1 as n\n\n{FENCE}sql p\nselect 2 as n\n{FENCE}\n",
        3,
        "the block q is not closed: it goes on over the one of line 6",
    ),
    "two_words": (f"{FENCE}sql my query\nselect 1 as n\n{FENCE}\n", 1, "one word of letters"),
    "for_ever": (
        f"# T\n\n{FENCE}sql q\nselect 1 as n\nwhere 'a' = '${{inputs.txt}}'\n{FENCE}\n",
        5,
        "it waits for ever, since no input on the page is called txt",
    ),
}
INPUTS = """
```sql days
select d, a from fine.t
```

<DateRange name=period data={days} dates=d />
<Dropdown name=choice data={days} value=a multiple=true />

```sql chosen
select date_trunc('month', d) as d, ${inputs.measure.value} as v
from t
where d between '${inputs.period.start}' and '${inputs.period.end}'
    and a in ${inputs.choice.value} and b ilike '%${inputs.word}%' and ${inputs.more}
group by all
order by ${inputs.order.value}
limit ${inputs.n.value}
```

<Dropdown name=measure /> <TextInput name=word /> <ButtonGroup name=more /> <Dropdown name=order />
<Slider name=n />

```python
from x import y
```

```sql
select * from shown_as_it_is
```

```sql of_another
select * from ${chosen}
```

```sql awaited
select * from fine.written_after_the_last_run
```
"""
TABLE = {"t": "SELECT 1 AS a, 'x' AS b, DATE '2026-01-01' AS d"}


def test_every_fault_is_found_with_its_line(
    project: Project, add_workflow: AddWorkflow, shared_node_modules: Callable[[Path], None]
) -> None:
    """All faults of all workflows at once, each at the line where a person has to look."""
    shared_node_modules(project.root)
    for name, (page, _, _) in PAGES.items():
        add_workflow(name, pages={"index.md": page}, sources=TABLE, warehouse="SELECT 1")
        publish_workflow(project, name)
    add_workflow(
        "bad_component",
        pages={"index.md": "# T\n\n<Mine />\n", "other.md": "# T\n"},
        components={"Mine.svelte": "<script>\nlet a = ;\n</script>\n"},
    )
    folder = add_workflow("fine", pages={"index.md": INPUTS}, sources=TABLE, warehouse="SELECT 1")
    publish_workflow(project, "fine")
    (folder / "evidence/sources/written_after_the_last_run.sql").write_text("SELECT 1 AS a")
    said: list[str] = []
    install_packages(EvidenceFolders.of(project), find_node(), said.append)

    site = assemble_site(project, "build")
    findings = check_site(project, site, find_node(), said.append)

    assert said == []
    found: dict[str, list[tuple[int, str]]] = {}
    for finding in findings:
        found.setdefault(workflow_of(project, finding), []).append((finding.line, finding.reason))
    assert set(found) == {*PAGES, "bad_component"}
    for name, (_, line, words) in PAGES.items():
        assert [message for there, message in found[name] if there == line and words in message], (
            found[name]
        )
    in_component, in_page = found["bad_component"]
    assert in_component == (2, "Unexpected token")
    assert in_page[0] == 3
    assert "components/Mine.svelte, line 2" in in_page[1]
