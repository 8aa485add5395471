"""What the metrics are called and how a page of them is encoded."""
