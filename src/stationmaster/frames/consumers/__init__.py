"""What the log room hears from the bus."""
