"""What every tool that builds dashboards shares: it knows none of them."""
