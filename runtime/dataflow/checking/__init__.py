"""Whether a workflow meets the authoring checklist, and whether machine and project are well."""
