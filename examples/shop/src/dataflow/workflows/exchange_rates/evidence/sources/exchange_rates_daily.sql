-- One row per day and currency: small enough for a browser, however large the table grows.
-- The days are those of workflow.timezone.
-- Sums and counts, not averages, since averages of days do not add up to those of weeks.
select
    cast(day as date) as day,
    -- How much of the day the data has, by which an unfinished one is known.
    min(day) as first_at,
    max(day) as last_at,
    coalesce(cast(currency as varchar), '(none)') as currency,
    coalesce(cast(currency as varchar), '(none)') as category,
    sum(rate) as rate_sum,
    count(rate) as rate_count,
    count(*) as row_count
from marts.exchange_rates
where day is not null
group by all
order by all
