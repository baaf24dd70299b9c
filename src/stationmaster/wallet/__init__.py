"""The ledger: accounts, transfers, holds, statements."""
