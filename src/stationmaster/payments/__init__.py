"""Top-ups and refunds by a payment provider."""
