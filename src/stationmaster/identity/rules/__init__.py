"""Pure decisions about people and tokens."""
