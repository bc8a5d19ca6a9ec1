"""What those who make templates need: a check of a whole template, and its releases."""
