"""Reading rows from files, APIs and databases."""
