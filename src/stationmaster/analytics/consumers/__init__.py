"""Facts that the roll-ups are made of."""
