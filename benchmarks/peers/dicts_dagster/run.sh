set -e
python script.py
python sql.py mart.sql publish.sql
