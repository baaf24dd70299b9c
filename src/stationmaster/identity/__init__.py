"""Who people and tokens are: organisations, operators, drivers, logins, idTokens."""
