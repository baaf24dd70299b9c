"""Pure decisions about charging."""
