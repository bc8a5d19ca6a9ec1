"""Making projects and workflows."""
