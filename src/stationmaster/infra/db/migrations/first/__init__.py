"""What the first revision makes, a module per room. Frozen: later changes are later revisions."""
