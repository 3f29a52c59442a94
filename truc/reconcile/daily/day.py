"""Reconciles one party's business day from the stores, and keeps the result as a version of the day."""

import hashlib
import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.daily import inputs, standing
from truc.reconcile.daily.inputs import Inputs
from truc.reconcile.daily.stored_rows import Neutral
from truc.reconcile.engine.plan import plan
from truc.reconcile.files import DIALECTS, Means, open_engine
from truc.reconcile.reading import accounts
from truc.reconcile.running import Given, Result
from truc.reconcile.running import reconcile as run_engine
from truc.reconcile.spec import Side, Spec
from truc.reconcile.specs.payments import SPEC
from truc.store import reconciliation, taken
from truc.store.opened import Transaction
from truc.store.reconciliation import Run

TEXT, NUMBER = pa.string(), pa.int64()
NEUTRAL = pa.schema(
    [
        *((name, TEXT) for name in ("party", "our_reference", "partner_reference", "kind", "state", "agency")),
        ("amount_vnd", NUMBER),
        ("fee_vnd", NUMBER),
        ("business_on", pa.date32()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("receipt_number", TEXT),
        ("carried", pa.bool_()),
        ("receipt_due", pa.bool_()),
    ]
)
EMBEDDED = Means(memory_mb=1_000)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run found. `new` is False when the inputs were those of the last version.

    `difference_vnd` is that of the pages: truc.reconcile.reading.accounts.difference_vnd.
    """

    party: str
    business_on: date
    version: int
    new: bool
    matched: int
    breaks: dict[str, int]
    difference_vnd: int


def reconcile(transaction: Transaction, party: str, business_on: date, means: Means = EMBEDDED) -> Reconciled:
    """Reconcile the day and keep it as its next version; equal inputs make no new one.

    Raise TransientError while its statement has not come, MalformedError `day_signed` for a signed day.
    """
    transaction.lock("reconciliation", party)  # no two days of it take the same row
    found = inputs.of_day(transaction, party, business_on)
    with TemporaryDirectory(prefix="truc-reconcile-", dir=means.work) as folder:
        result, sql = _run(SPEC, found, Path(folder), means)
        ended = standing.ended(
            found,
            result,
            pq.read_table(result.folder / "matches.parquet").to_pylist(),
            pq.read_table(result.folder / "breaks.parquet").to_pylist(),
        )
    kept = reconciliation.keep_run(
        transaction,
        Run(
            party=party,
            business_on=business_on,
            spec=SPEC.name,
            spec_version=SPEC.version,
            spec_digest=SPEC.digest,
            engine=means.engine,
            input_digest=found.digest,
            sql=sql,
            statement_id=found.statement_id,
            carried_in=frozenset(found.carried_in),
        ),
        ended.matches,
        ended.breaks,
        ended.totals,
    )
    if kept.new:
        taken.keep(transaction, kept.run_id, found.taken)
    return Reconciled(
        party=party,
        business_on=business_on,
        version=kept.version,
        new=kept.new,
        matched=sum(one["leg"] == "statement" for one in ended.matches),
        breaks=dict(sorted(Counter(one["break_class"] for one in ended.breaks).items())),
        difference_vnd=accounts.difference_vnd(transaction, kept.run_id),
    )


def _run(spec: Spec, found: Inputs, folder: Path, means: Means) -> tuple[Result, str]:
    """Run the engine on the rows; return what it wrote, and the SQL that decided."""
    given = {side: _written(rows, folder / f"{side}.parquet") for side, rows in found.rows.items()}
    further: tuple[Side, ...] = tuple(side for side in ("receipts", "remittance") if side in given)
    steps = plan(spec, DIALECTS[means.engine], further)
    with closing(open_engine(means, folder)) as engine:
        result = run_engine(engine, steps, spec, given, folder / "out")
    return result, json.dumps([{"name": one.name, "leg": one.leg, "sql": one.sql} for one in steps.steps])


def _written(rows: list[Neutral], path: Path) -> Given:
    columns = {name: [row.get(name) for row in rows] for name in NEUTRAL.names}
    pq.write_table(pa.table(columns, schema=NEUTRAL), path)
    return Given((path,), tuple(NEUTRAL.names), hashlib.sha256(path.read_bytes()).hexdigest())
