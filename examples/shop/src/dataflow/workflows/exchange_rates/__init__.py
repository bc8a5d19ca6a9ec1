"""The exchange_rates workflow."""
