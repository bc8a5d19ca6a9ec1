# The day is done already: load it again, and what follows from it.
sqlmesh plan --auto-apply --no-prompts --restate-model raw.sales
