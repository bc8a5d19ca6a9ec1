"""A workflow's life after it was made: another name, a copy, its end, its link to a template."""
