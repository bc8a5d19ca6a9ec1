-- Everything, for queries of your own: a page reads only the columns that it asks for.
select * from marts.visits
