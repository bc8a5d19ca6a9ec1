"""Pages, components and settings as a project's own people write them."""

SQL, END = "```sql", "```"
CONFIG = """
deployment: {basePath: /dash}
theme: {colors: {primary: {light: "#8a1c5e"}}}
layout: {title: The whole shop, logo: /logo.svg}
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
INDEX = '# Start here\n\n{@partial "greeting.md"}\n\n<WorkflowList />\n'
BOTH = f"""---
title: Both
queries:
  - per_day.sql
  - sums: deep/sums.sql
---

<Stamp text="of the project" />

{SQL} joined
select count(*) as n from orders.orders join visits.visits using (id)
{END}

<BigValue data={{joined}} value=n title='In both' />
<BigValue data={{per_day}} value=n title='Days' />
<BigValue data={{sums}} value=total title='Total' />

![the logo](/logo.svg)
"""
ORDERS = f"""# Orders

{{@partial "note.md"}}

{{@partial "greeting.md"}}

<Stamp text="used by orders" />

{SQL} mine
select count(*) as n from orders
{END}

{SQL} theirs
select count(*) as n from visits.visits
{END}

<BigValue data={{mine}} value=n title='Orders' />
<BigValue data={{theirs}} value=n title='Visits' />
"""
SEARCH = f"""# Search

<TextInput name=txt title="Name" />

{SQL} names
select 'row ' || cast(id as integer) as name from orders.orders
{END}

{SQL} found
select count(*) as n from ${{names}} where name ilike '%${{inputs.txt}}%'
{END}

<BigValue data={{found}} value=n title='Found' />
"""
WAITS = f"""# Waits

{SQL} none
select id from orders.orders where id < 0
{END}

<Dropdown name=choice data={{none}} value=id />

{SQL} chosen
select count(*) as n from orders.orders where id = ${{inputs.choice.value}}
{END}

<BigValue data={{chosen}} value=n title='Chosen' />
"""
PROJECT = {
    "pages/search.md": SEARCH,
    "pages/waits.md": WAITS,
    "evidence.config.yaml": CONFIG,
    "static/logo.svg": LOGO,
    "components/Stamp.svelte": "<script>export let text;</script>\n<p>stamped: {text}</p>\n",
    "partials/greeting.md": "Good day from the project.\n",
    "queries/per_day.sql": "select count(distinct id % 7) as n from visits.visits\n",
    "queries/deep/sums.sql": "select sum(id) as total from orders.orders\n",
    "pages/index.md": INDEX,
    "pages/both.md": BOTH,
    "pages/price_index.md": (
        f"# Prices\n\n{SQL} p\nselect 7 as n\n{END}\n\n<BigValue data={{p}} value=n />\n"
    ),
}
