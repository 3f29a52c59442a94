"""What all tables share: one metadata with named constraints, and the column kinds of this house."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
INSTANT = DateTime(timezone=True)
VND = BigInteger  # whole đồng


def identity() -> "Column[int]":
    """Return the usual surrogate key: a bigint the database counts."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)
