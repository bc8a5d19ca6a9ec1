"""One plug-in of each kind for DATAFLOW, a module each."""
