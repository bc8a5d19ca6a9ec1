"""Making, inspecting, checking and updating workflows, and building their dashboards."""
