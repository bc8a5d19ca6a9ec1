-- What is in each column of the whole table.
select
    column_name,
    lower(column_type) as column_type,
    1 - null_percentage / 100 as filled,
    -- Counted approximately, which may say more than there are rows.
    least(approx_unique, count) as distinct_values,
    left(min, 40) as smallest,
    left(max, 40) as largest,
    count as row_count
from (summarize marts.customers)
