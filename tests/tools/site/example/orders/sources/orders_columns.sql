-- What is in each column of the whole table.
select
    column_name,
    lower(column_type) as column_type,
    1 - null_percentage / 100 as filled,
    approx_unique as distinct_values,
    min as smallest,
    max as largest,
    count as row_count
from (summarize marts.orders)
