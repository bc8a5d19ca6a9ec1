-- The newest rows, for the table at the end of the page.
select *
from marts.orders
order by created_at desc
limit 1000
