"""What every workflow uses: configuration, logging, errors and the project's layout."""
