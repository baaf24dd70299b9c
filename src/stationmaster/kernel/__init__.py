"""Words every room shares: money, energy, ids, clock, errors. Imports nothing of ours."""
