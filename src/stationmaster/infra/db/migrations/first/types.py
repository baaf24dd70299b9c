"""Column types of the first revision, as both engines spell them."""

import sqlalchemy as sa

TIME = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
