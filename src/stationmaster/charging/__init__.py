"""Charging sessions, transactions, meter values, settlement."""
