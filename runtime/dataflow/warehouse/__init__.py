"""The database that tables live in."""
