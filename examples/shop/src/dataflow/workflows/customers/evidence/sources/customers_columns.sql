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
    -- Exact below a million rows.
    differing as (
        unpivot (
            select count(distinct columns('(.*)')) as '\1' from marts.customers
            where (select count(*) from marts.customers) < 1000000
        )
        on columns(*) into name column_name value differing
    ),
    about as (
        unpivot (
            select approx_count_distinct(columns('(.*)')) as '\1' from marts.customers
            where (select count(*) from marts.customers) >= 1000000
        )
        on columns(*) into name column_name value about
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
    least(case when row_count < 1000000 then differing else about end, row_count) as distinct_values,
    left(lowest, 40) as smallest,
    left(highest, 40) as largest,
    null::double as outside,
    row_count
from kinds
cross join (select count(*) as row_count from marts.customers)
left join counted using (column_name)
left join differing using (column_name)
left join about using (column_name)
left join lowest using (column_name)
left join highest using (column_name)
order by place
