"""What the stations room hears from the bus."""
