-- The newest rows, for the table at the end of the page.
select *
from marts.exchange_rates
order by day desc
limit 1000
