-- One row per day and category: small enough for a browser, however large the table grows.
-- The days are those of workflow.timezone.
-- Sums and counts, not averages, since averages of days do not add up to those of weeks.
select
    cast(created_at as date) as day,
    -- How much of the day the data has, by which an unfinished one is known.
    min(created_at) as first_at,
    max(created_at) as last_at,
    coalesce(cast(category as varchar), '(none)') as category,
    sum(amount) as amount_sum,
    count(amount) as amount_count,
    count(*) as row_count
from marts.orders
where created_at is not null
group by all
order by all
