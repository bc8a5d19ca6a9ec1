python sql.py load.sql
