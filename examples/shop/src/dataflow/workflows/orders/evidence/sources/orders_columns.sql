-- What is in each column of the whole table. Not by `summarize`, which fails on values such as NaN.
with
    kinds as (
        select row_number() over () as place, column_name, column_type
        from (describe marts.orders)
    ),
    counted as (
        unpivot (select count(columns('(.*)')) as '\1' from marts.orders)
        on columns(*) into name column_name value filled
    ),
    -- Exact below a million rows.
    differing as (
        unpivot (
            select count(distinct columns('(.*)')) as '\1' from marts.orders
            where (select count(*) from marts.orders) < 1000000
        )
        on columns(*) into name column_name value differing
    ),
    about as (
        unpivot (
            select approx_count_distinct(columns('(.*)')) as '\1' from marts.orders
            where (select count(*) from marts.orders) >= 1000000
        )
        on columns(*) into name column_name value about
    ),
    lowest as (
        unpivot (select min(columns('(.*)'))::varchar as '\1' from marts.orders)
        on columns(*) into name column_name value lowest
    ),
    highest as (
        unpivot (select max(columns('(.*)'))::varchar as '\1' from marts.orders)
        on columns(*) into name column_name value highest
    ),
    -- Beyond 1.5 times the distance between the quarters, above and below them. From a million rows
    -- on the quarters are approximate: exact ones need all values in memory.
    outside as (
        select
            'amount' as column_name,
            (
                select count(*)
                from marts.orders
                cross join (
                    select coalesce(
                        quantile_cont(cast(amount as double), [0.25, 0.75])
                            filter (where (select count(*) from marts.orders) < 1000000),
                        approx_quantile(cast(amount as double), [0.25, 0.75])
                    ) as quarters
                    from marts.orders
                    where isfinite(cast(amount as double))
                )
                where cast(amount as double) not between quarters[1] - 1.5 * (quarters[2] - quarters[1])
                    and quarters[2] + 1.5 * (quarters[2] - quarters[1])
            ) as outside
    )
select
    column_name,
    lower(column_type) as column_type,
    filled / nullif(row_count, 0) as filled,
    -- Counted approximately, which may say more than there are rows.
    least(case when row_count < 1000000 then differing else about end, row_count) as distinct_values,
    left(lowest, 40) as smallest,
    left(highest, 40) as largest,
    outside,
    row_count
from kinds
cross join (select count(*) as row_count from marts.orders)
left join counted using (column_name)
left join differing using (column_name)
left join about using (column_name)
left join lowest using (column_name)
left join highest using (column_name)
left join outside using (column_name)
order by place
