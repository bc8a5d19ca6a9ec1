python sql.py load.sql mart.sql publish.sql
