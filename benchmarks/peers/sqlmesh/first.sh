sqlmesh plan --auto-apply --no-prompts
