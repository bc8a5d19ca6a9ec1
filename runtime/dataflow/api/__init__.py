"""The REST API: launching and following workflows' runs over HTTP."""
