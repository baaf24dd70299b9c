"""What a charge costs."""
