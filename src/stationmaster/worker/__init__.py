"""Deliveries to units of work to acknowledgements."""
