"""Database port, unit of work, outbox, link marks, migrations."""
