"""The lists of a pair as the stores know them: ours, and what a partner is known to have, as Parquet for pair_files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import text

from truc import parties
from truc.errors import SetupError
from truc.manifest import Event
from truc.reconcile.pairs.inputs import kinds
from truc.reconcile.pairs.spec import PairSide, PairSpec
from truc.store.opened import Store, Transaction

ROWS_AT_ONCE = 20_000  # what is held in memory, whatever the size of the list
TYPES = {"text": pa.string(), "whole": pa.int64(), "day": pa.date32(), "instant": pa.timestamp("us", "UTC")}
PORTAL, POST = "national_portal", "vnpost"


@dataclass(frozen=True, slots=True)
class Source:
    """A query whose columns are some of a spec's; `events`: operations of the party it names, by parameter."""

    sql: str
    party: str = ""
    events: tuple[tuple[str, Event], ...] = ()


# The portal knows a dossier it handed over by its own number (mappings/national_portal: MaHoSo).
_DOSSIER = """
    coalesce(dossiers.portal_code, dossiers.code) AS dossier_code, dossiers.agency_code AS agency,
    CAST(dossiers.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date) AS received_on,
    procedure_versions.procedure_key AS procedure_code
"""
_DOSSIERS = f"""
    SELECT {_DOSSIER}, CAST(dossiers.status AS text) AS status, dossiers.status_at AS changed_at,
        (SELECT max(number) FROM dossier_history WHERE dossier_code = dossiers.code) AS number
    FROM dossiers JOIN procedure_versions ON procedure_versions.id = dossiers.procedure_version_id
"""  # noqa: S608  (columns of ours, by name)
# Named by the exchange, not open any more, not dropped by a person: the portal confirmed it, or a correction of it
# (truc.services.status_sync counts the same way). Of each dossier the last change it confirmed.
_DOSSIERS_AT_PORTAL = f"""
    SELECT {_DOSSIER}, CAST(told.to_status AS text) AS status, told.changed_at, told.number
    FROM dossiers JOIN procedure_versions ON procedure_versions.id = dossiers.procedure_version_id
    JOIN LATERAL (
        SELECT named.* FROM (
            SELECT history.to_status, history.changed_at, history.number, (
                SELECT outbox_id FROM outbox_names
                WHERE party = :party
                    AND operation = CASE WHEN history.number = 1 THEN :received ELSE :changed END
                    AND external_id =
                        dossiers.code || CASE WHEN history.number = 1 THEN '' ELSE '/' || history.number END
            ) AS place
            FROM dossier_history AS history WHERE history.dossier_code = dossiers.code
        ) AS named
        WHERE named.place IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM outbox
                WHERE drawer = 0 AND party = :party AND key = dossiers.code AND outbox.place = named.place
            )
            AND NOT EXISTS (SELECT FROM set_aside WHERE outbox_id = named.place AND resolved_how = 'dropped')
        ORDER BY named.number DESC LIMIT 1
    ) AS told ON true
"""  # noqa: S608
_PARCEL = """
    shipments.order_number, dossiers.agency_code AS agency,
    CAST(shipments.requested_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date) AS requested_on
"""
_PARCELS = f"""
    SELECT {_PARCEL}, shipments.dossier_code, shipments.fee_vnd, shipments.state, shipments.state_at AS changed_at
    FROM shipments JOIN dossiers ON dossiers.code = shipments.dossier_code
"""  # noqa: S608
# The post's last word. It took an order, and cancelled one, by its answer, though it says "ordered" until it did.
# What it charges, it tells no store of ours: that is compared with a list of its own.
_PARCELS_AT_POST = f"""
    SELECT {_PARCEL},
        CASE WHEN asked = 'cancelled' AND coalesce(word.state, 'ordered') = 'ordered' THEN 'cancelled'
            ELSE coalesce(word.state, 'ordered') END AS state,
        coalesce(word.occurred_at, shipments.state_at) AS changed_at
    FROM shipments JOIN dossiers ON dossiers.code = shipments.dossier_code
    LEFT JOIN LATERAL (
        SELECT state, occurred_at FROM shipment_events WHERE order_number = shipments.order_number
        ORDER BY occurred_at DESC, event_id DESC LIMIT 1
    ) AS word ON true
    WHERE shipments.party = :party
        AND (word.state IS NOT NULL OR asked IN ('ordered', 'cancelling', 'kept')
            OR (asked = 'cancelled' AND cancels > 0))
"""  # noqa: S608
_PROCEDURES = """
    SELECT DISTINCT ON (procedure_key) procedure_key AS procedure_code, name, field_code, agency
    FROM procedure_versions ORDER BY procedure_key, version DESC
"""
SOURCES: Mapping[tuple[str, PairSide], Source] = {
    ("dossier_statuses", "core"): Source(_DOSSIERS),
    ("dossier_statuses", "partner"): Source(
        _DOSSIERS_AT_PORTAL, PORTAL, (("received", Event.DOSSIER_RECEIVED), ("changed", Event.STATUS_CHANGED))
    ),
    ("shipments", "core"): Source(_PARCELS),
    ("shipments", "partner"): Source(_PARCELS_AT_POST, POST),
    ("procedures", "core"): Source(_PROCEDURES),
}


def export(store: Store, spec: PairSpec, targets: Mapping[PairSide, Path]) -> dict[PairSide, int]:
    """Write the lists of these sides, all of one instant, and return how many rows each has.

    Memory is bounded by a batch of rows. Raise SetupError where the stores do not know what a partner has.
    """
    sources = {side: _source(spec, side) for side in targets}
    with store.begin() as transaction:
        transaction.sql.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        return {side: _written(transaction, spec, source, targets[side]) for side, source in sources.items()}


def _source(spec: PairSpec, side: PairSide) -> Source:
    if (spec.name, side) not in SOURCES:
        raise SetupError(f"{spec.name}: no store knows the list of the {side}; give its file", reason="no_source")
    return SOURCES[spec.name, side]


def _written(transaction: Transaction, spec: PairSpec, source: Source, target: Path) -> int:
    values = {"party": source.party} if source.party else {}
    values |= {name: _operation(source.party, event) for name, event in source.events}
    rows = 0
    with transaction.sql.execute(text(source.sql), values, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        columns = list(found.keys())
        schema = pa.schema([(name, TYPES[kind]) for name, kind in kinds(spec).items() if name in columns])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for partition in found.partitions(ROWS_AT_ONCE):
                writer.write_table(_table(partition, columns, schema))
                rows += len(partition)
    return rows


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
    values = dict(zip(columns, zip(*rows, strict=True), strict=True))
    return pa.table({name: pa.array(values[name], schema.field(name).type) for name in schema.names})


def _operation(party: str, event: Event) -> str:
    for operation in parties.manifest(party).operations:
        if operation.event is event:
            return operation.name
    raise SetupError(f"{party} takes no {event.value}", reason="unsupported")
