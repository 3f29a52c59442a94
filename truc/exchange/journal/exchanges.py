"""Holds the exchange against the journal: every finished message has its entry, and kept bytes are those it names."""

import hashlib
from typing import Any

from sqlalchemy import text

from truc.errors import MalformedError
from truc.exchange import bodies
from truc.exchange.journal.report import Report
from truc.exchange.journal.rows import stream
from truc.store.opened import Transaction

# What must have an entry: who was finished, in which state, since there is a journal.
_FINISHED = """
    SELECT id, party || '/' || operation || '/out' AS channel, state FROM outbox
    WHERE state IN ('sent', 'superseded', 'refused', 'set_aside') AND id > (SELECT max(exchange_id) FROM journal_starts)
    UNION ALL
    SELECT id, party || '/' || kind || '/in', state FROM inbox
    WHERE state IN ('booked', 'set_aside') AND id > (SELECT max(exchange_id) FROM journal_starts)
"""
_NOTED = """
    SELECT exchange_id, channel, number, outcome, digest_out, digest_in FROM journal
    UNION ALL SELECT exchange_id, channel, NULL, outcome, digest_out, digest_in FROM journal_pending
"""
_SKIPPED = text(
    f"""
    WITH finished AS ({_FINISHED}), skipped AS (
        SELECT finished.* FROM finished
        LEFT JOIN ({_NOTED}) AS noted
            ON noted.exchange_id = finished.id AND noted.channel = finished.channel AND noted.outcome = finished.state
        WHERE noted.exchange_id IS NULL
    )
    SELECT (SELECT count(*) FROM finished) AS finished, (SELECT count(*) FROM skipped) AS skipped,
        one.id, one.channel, one.state
    FROM (SELECT) AS always LEFT JOIN (SELECT * FROM skipped ORDER BY id LIMIT 1) AS one ON true
    """  # noqa: S608  (no value is written into it)
)
_OLDER = text(
    """
    SELECT (SELECT count(*) FROM outbox WHERE id <= start.exchange_id)
        + (SELECT count(*) FROM inbox WHERE id <= start.exchange_id) AS older
    FROM journal_starts AS start
    """
)
_PENDING = text("SELECT count(*) FROM journal_pending")
# The bytes of each exchange beside every digest its entries name, in the order in which bodies lie: to sort so many
# bytes by anything else would fill a disk. A body's drawer (its id's upper part) says for how many months after which
# month it is kept; see truc.store.drawers.
_KEPT = text(
    f"""
    WITH noted AS (
        SELECT exchange_id, channel, min(number) AS number,
            array_agg(DISTINCT encode(digest_out, 'hex')) FILTER (WHERE digest_out IS NOT NULL) AS digests_out,
            array_agg(DISTINCT encode(digest_in, 'hex')) FILTER (WHERE digest_in IS NOT NULL) AS digests_in
        FROM ({_NOTED}) AS entry GROUP BY exchange_id, channel
    ), kept AS (
        SELECT id, party || '/' || operation || '/out' AS channel, 'out' AS direction, body_id, NULL AS digest
        FROM outbox WHERE body_id IS NOT NULL
        UNION ALL
        SELECT id, party || '/' || operation || '/out', 'in', receipt_id, NULL FROM outbox WHERE receipt_id IS NOT NULL
        UNION ALL
        SELECT id, party || '/' || kind || '/in', 'in', body_id, digest FROM inbox
    )
    SELECT kept.id, kept.channel, noted.number, kept.direction,
        CASE kept.direction WHEN 'out' THEN noted.digests_out ELSE noted.digests_in END AS named,
        array_remove(ARRAY[kept.digest, body.digest], NULL) AS stated, body.sealed,
        (kept.body_id >> 52) + ((kept.body_id >> 40) & 4095) < (drawer_of(0, now()) & 4095) AS is_over
    FROM kept
    LEFT JOIN noted ON noted.exchange_id = kept.id AND noted.channel = kept.channel
    LEFT JOIN kept_bodies AS body ON body.id = kept.body_id
    ORDER BY kept.body_id
    """  # noqa: S608  (no value is written into it)
)
_DIRECTIONS = {"out": "the bytes that left", "in": "the bytes that came"}


def check_finished(transaction: Transaction, report: Report) -> None:
    """Find finished messages whose outcome has no entry: a decision that was not noted, or an entry taken away."""
    found = transaction.sql.execute(_SKIPPED).one()
    report.looked_at["finished exchanges"] += found.finished
    report.looked_at["exchanges older than the journal"] += transaction.sql.execute(_OLDER).scalar_one()
    report.looked_at["pending receipts"] += transaction.sql.execute(_PENDING).scalar_one()
    if found.skipped:
        problem = f"exchange {found.id} is {found.state}, and no entry says so"
        report.wrong(found.channel, None, problem, times=found.skipped)


def check_bodies(transaction: Transaction, report: Report) -> None:
    """Open all kept bytes and compare them with the digests that rows and entries name."""
    bad, first = 0, ("", 0, 0, "")
    for row in stream(transaction, _KEPT):
        if problem := _body_problem(transaction, row, report):
            found = (row.channel, row.number or 0, row.id, problem)
            bad, first = bad + 1, min(first, found) if bad else found
    if bad:
        channel, number, exchange_id, problem = first
        report.wrong(channel, number or None, f"exchange {exchange_id}: {problem}", times=bad)


def _body_problem(transaction: Transaction, row: Any, report: Report) -> str:
    """Return what is wrong with the bytes of one row, "" for nothing."""
    about = _DIRECTIONS[row.direction]
    if row.sealed is None:
        report.looked_at["bodies dropped after their period"] += row.is_over
        return "" if row.is_over else f"{about} are gone before their period was over"
    report.looked_at["kept bodies"] += 1
    try:
        body = transaction.sealer.unseal(bytes(row.sealed), context=bodies.CONTEXT)
    except MalformedError as error:
        return f"{about} do not open: {error}"
    digest = hashlib.sha256(body).hexdigest()
    if any(digest != stated for stated in row.stated) or digest not in (row.named or [digest]):
        return f"{about} are not those that were kept: their digest is {digest}"
    return ""
