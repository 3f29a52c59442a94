"""Answers what a partner asks us about an order: from the message by which we asked for the payment, as it is kept."""

from sqlalchemy import text

from truc.domain.payment_states import SILENT
from truc.exchange import bodies, meaning, outbox
from truc.inbound.callbacks import HttpAnswer, Question
from truc.inbound.orders import WAITS
from truc.manifest import Event
from truc.services import ask_schedule
from truc.store.opened import Transaction

# Found by the index on the outbox's dossier_code.
_ASKED = text(
    """
    SELECT DISTINCT ON (sent.external_id) sent.operation, sent.message_id
    FROM outbox AS sent
    JOIN payments AS payment ON payment.party = sent.party AND payment.our_reference = sent.external_id
    WHERE sent.dossier_code = :dossier_code AND sent.party = :party
        AND sent.operation = ANY(CAST(:operations AS text[]))
        AND date_trunc('second', payment.requested_at) = :requested_at
        AND payment.business_on IS NULL AND payment.state = ANY(CAST(:waits AS text[]))
        AND (payment.doubt IS NULL OR payment.doubt = ANY(CAST(:silent AS text[])))
    ORDER BY sent.external_id, sent.id DESC
    """
)


def answer(transaction: Transaction, party: str, kind: str, question: Question) -> HttpAnswer | None:
    """Return the answer; None where no order of this party waits for its money, or more than one does.

    `mappings.<party>.<kind>.write` writes what we asked for, and the question makes the partner's answer of it. Raise
    MalformedError for a message that cannot be written.
    """
    given = {
        "party": party,
        "dossier_code": question.dossier_code,
        "requested_at": question.requested_at,
        "operations": ask_schedule.operations(party, Event.PAYMENT_REQUESTED),
        "waits": sorted(WAITS),
        "silent": sorted(SILENT),
    }
    found = transaction.sql.execute(_ASKED, given).all()
    if len(found) != 1:
        return None
    kept = bodies.read(transaction, found[0].message_id, context=outbox.CONTEXT)
    message = outbox.read_message(party, found[0].operation, kept)
    return question.answer(meaning.written(party, kind, message))
