-- The newest rows, for the table at the end of the page.
select *
from marts.visits
order by visited_on desc
limit 1000
