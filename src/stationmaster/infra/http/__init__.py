"""What every HTTP room needs: problem bodies, idempotency, pagination."""
