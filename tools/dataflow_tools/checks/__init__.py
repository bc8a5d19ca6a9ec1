"""The authoring checklist and the doctor."""
