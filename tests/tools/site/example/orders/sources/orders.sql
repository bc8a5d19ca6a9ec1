-- The first rows, for the table of the page. Without the limit everything is published.
select * from marts.orders
limit 1000
