"""``python -m dataflow.cli``: the command line where its script is not on the path."""

from dataflow.cli.main import main

main()
