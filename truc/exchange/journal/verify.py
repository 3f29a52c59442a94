"""Verifies the journal: in the database together with what the exchange holds, or in an export without either."""

from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from truc.errors import MalformedError
from truc.exchange.journal import export, rows
from truc.exchange.journal.checks import Trust, check_channel, check_handlers
from truc.exchange.journal.exchanges import check_bodies, check_finished
from truc.exchange.journal.records import Close, Entry, Handler
from truc.exchange.journal.report import Report
from truc.store.opened import Store


def verify(store: Store, *, public_key: Ed25519PublicKey, tsa_roots: Sequence[x509.Certificate] = ()) -> Report:
    """Check chains, density, handlers, closes and signatures, that no finished exchange lacks its entry, and that
    kept bytes are those the entries name; with `tsa_roots` the time-stamps too.

    Everything is seen at one moment, so couriers may work meanwhile. Memory does not grow with the journal, except by
    the closes of one channel.
    """
    report, trust = Report(), Trust(public_key, tsa_roots)
    with rows.picture(store) as transaction:
        good = check_handlers(rows.handlers(transaction), report)
        for channel in rows.channels(transaction):
            records: Iterable[Close | Entry] = chain(
                rows.closes(transaction, channel), rows.entries(transaction, channel)
            )
            check_channel(channel, records, good, trust, report)
        for channel, day in rows.lone_stamps(transaction):
            report.wrong(channel, None, f"the close of {day} is missing; its time-stamp is still there")
        check_finished(transaction, report)
        check_bodies(transaction, report)
    return report


def verify_export(path: Path, *, public_key: Ed25519PublicKey, tsa_roots: Sequence[x509.Certificate] = ()) -> Report:
    """Check an export in the same way, as far as it can be without the database: all but exchanges and kept bytes.

    What cannot be read as an export ends the check there, as a bad record.
    """
    report, trust = Report(), Trust(public_key, tsa_roots)
    try:
        _verify_records(export.read(path), trust, report)
    except MalformedError as error:
        report.wrong("", None, str(error))
    return report


def _verify_records(records: Iterable[Handler | Close | Entry], trust: Trust, report: Report) -> None:
    good: frozenset[str] = frozenset()
    seen: set[str] = set()
    for channel, group in groupby(records, key=lambda one: "" if isinstance(one, Handler) else one.channel):
        if channel in seen:
            report.wrong(channel, None, "stands in two places of the file")
        seen.add(channel)
        if channel:
            check_channel(channel, (one for one in group if not isinstance(one, Handler)), good, trust, report)
        else:
            good = check_handlers((one for one in group if isinstance(one, Handler)), report)
