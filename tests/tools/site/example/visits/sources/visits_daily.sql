-- One row per day and country: small enough for a browser, however large the table grows.
-- Sums and counts, not averages, since averages of days do not add up to those of weeks.
select
    cast(visited_on as date) as day,
    coalesce(cast(country as varchar), '(none)') as category,
    count(*) as row_count,
    sum(seconds) as seconds_sum,
    count(seconds) as seconds_count
from marts.visits
where visited_on is not null
group by all
order by all
