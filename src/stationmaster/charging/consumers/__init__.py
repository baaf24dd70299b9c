"""What the charging room hears from the bus."""
