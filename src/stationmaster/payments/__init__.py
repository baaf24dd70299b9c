"""Top-ups and refunds by a payment provider. Not built yet: wallets are credited by operators."""
