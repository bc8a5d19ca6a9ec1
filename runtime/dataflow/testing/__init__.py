"""What the tests of a workflow stand on."""
