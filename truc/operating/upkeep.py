"""What is done to the exchange each night: drawers made ahead, those whose period is over dropped."""

from sqlalchemy import text

from truc.operating import audit
from truc.operating.audit import Order
from truc.store import drawers
from truc.store.opened import Store, Transaction

REASON = "its period is over"


def make_drawers(store: Store) -> int:
    """Make what drawers are missing, for this month and the next ones, and return how many were.

    A drawer is made under a lock that readers of the whole table hold up, and that holds up everybody behind it:
    SQLAlchemy's OperationalError when it is not to be had soon.
    """
    with store.begin() as transaction:
        transaction.sql.execute(text(f"SET LOCAL lock_timeout = '{drawers.PATIENCE}'"))
        return drawers.ensure(transaction.sql)


def drop_old(store: Store, by: Order) -> list[str]:
    """Drop the drawers whose period is over and that nothing needs, each with its line in the audit log.

    Return their names; raise TransientError as `drawers.drop_old` does.
    """
    with store.engine.connect() as connection:
        transaction = Transaction(connection, store.sealer)
        return drawers.drop_old(connection, note=lambda name: audit.note(transaction, by, "drop_drawer", name))
