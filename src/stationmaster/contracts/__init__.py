"""What rooms and processes say to each other: data only."""
