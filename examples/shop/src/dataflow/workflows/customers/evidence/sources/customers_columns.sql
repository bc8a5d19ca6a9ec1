-- What is in each column of the whole table. Not by `summarize`, which fails on values such as NaN.
with
    kinds as (
        select row_number() over () as place, column_name, column_type
        from (describe marts.customers)
    ),
    counted as (
        unpivot (select count(columns('(.*)')) as '\1' from marts.customers)
        on columns(*) into name column_name value filled
    ),
    differing as (
        unpivot (
            -- Exact below a million rows.
            select case when count(*) < 1000000 then count(distinct columns('(.*)')) else approx_count_distinct(columns('(.*)')) end as '\1'
            from marts.customers
        )
        on columns(*) into name column_name value differing
    ),
    lowest as (
        unpivot (select min(columns('(.*)'))::varchar as '\1' from marts.customers)
        on columns(*) into name column_name value lowest
    ),
    highest as (
        unpivot (select max(columns('(.*)'))::varchar as '\1' from marts.customers)
        on columns(*) into name column_name value highest
    )
select
    column_name,
    lower(column_type) as column_type,
    filled / nullif(row_count, 0) as filled,
    -- Counted approximately, which may say more than there are rows.
    least(differing, row_count) as distinct_values,
    left(lowest, 40) as smallest,
    left(highest, 40) as largest,
    row_count
from kinds
cross join (select count(*) as row_count from marts.customers)
left join counted using (column_name)
left join differing using (column_name)
left join lowest using (column_name)
left join highest using (column_name)
order by place
