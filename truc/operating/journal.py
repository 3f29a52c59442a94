"""`truc journal …`: verify, export and close what the hub has decided."""

from datetime import date, datetime
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from truc import settings
from truc.exchange.journal import closes, export, signatures, stamps
from truc.exchange.journal.report import Report
from truc.exchange.journal.verify import verify, verify_export
from truc.operating.terminal import hub_store
from truc.trust.stamping import read_roots

FILE = click.Path(dir_okay=False, path_type=Path)
OLD_FILE = click.Path(dir_okay=False, path_type=Path, exists=True)
_tsa_ca_file = click.option(
    "--tsa-ca-file", type=OLD_FILE, envvar="TRUC_TSA_CA_FILE", help="Root certificates of time-stamp authorities (PEM)."
)


@click.group(help="The journal: a signed, chained receipt of every decision.")
def journal() -> None:
    """Group the commands."""


@journal.command("verify", help="Check the whole journal; name the first bad record.")
@click.option("--offline", type=OLD_FILE, help="Check this export instead of the database.")
@click.option("--public-key", default="", help="The hub's public key, 64 hexadecimal digits; default: this hub's.")
@click.option("--fingerprint", default="", help="Use the key that the export states, when it has this fingerprint.")
@_tsa_ca_file
def verify_(offline: Path | None, public_key: str, fingerprint: str, tsa_ca_file: Path | None) -> None:
    """Print what was looked at; exit with 1 and the sentence when a record is bad."""
    roots = _roots(tsa_ca_file)
    if offline is None:
        if fingerprint:
            raise click.UsageError("--fingerprint goes with --offline")
        with hub_store() as store:
            report = verify(store, public_key=_public_key(public_key), tsa_roots=roots)
    else:
        key = export.public_key(offline, fingerprint=fingerprint) if fingerprint else _public_key(public_key)
        report = verify_export(offline, public_key=key, tsa_roots=roots)
    _show(report)


@journal.command("export", help="Write the journal to FILE, for `truc journal verify --offline`.")
@click.argument("file", type=FILE)
def export_(file: Path) -> None:
    """Print how much was written, and the fingerprint to hand on by another way."""
    key = _public_key("")
    if file.exists():
        raise click.ClickException(f"{file} exists: an export is never written over")
    with hub_store() as store:
        counts = export.write(store, file, public_key=key)
    for name, count in counts.items():
        click.echo(f"{count:>10} {name}")
    click.echo(f"fingerprint of the key: {signatures.key_id(key)}")


@journal.command("close", help="Close a business day in every channel and sign it; default: the last day that is over.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day, YYYY-MM-DD.")
@click.option("--tsa-url", default="", envvar="TRUC_TSA_URL", help="Also have closes time-stamped by this authority.")
@_tsa_ca_file
def close(day: datetime | None, tsa_url: str, tsa_ca_file: Path | None) -> None:
    """Print how many channels were closed."""
    if tsa_url and tsa_ca_file is None:
        raise click.UsageError("a time-stamp authority needs --tsa-ca-file: its answers are checked")
    stamp = stamps.stamper(tsa_url, tsa_ca_file) if tsa_url and tsa_ca_file else None
    key = signatures.hub_key(settings.load().secrets)
    with hub_store() as store:
        which: date = day.date() if day else closes.last_day(store)
        count = closes.close_day(store, key, which, stamp=stamp)
    click.echo(f"{which}: {count} channels closed")


@journal.command("key", help="Show the public key that signs closes, and its fingerprint.")
def key() -> None:
    """Print both; an auditor needs one of them from us, by a way of its own."""
    public = _public_key("")
    click.echo(f"public key  {public.public_bytes_raw().hex()}")
    click.echo(f"fingerprint {signatures.key_id(public)}")


def _show(report: Report) -> None:
    for name, count in report.looked_at.items():
        click.echo(f"{count:>10} {name}")
    if report.first is not None:
        raise click.ClickException(f"{report.bad} bad, the first: {report.first}")
    click.echo("nothing bad")


def _public_key(given: str) -> Ed25519PublicKey:
    if given:
        return signatures.public_key(given)
    return signatures.hub_key(settings.load().secrets).public_key()


def _roots(ca_file: Path | None) -> tuple[x509.Certificate, ...]:
    return read_roots(ca_file) if ca_file else ()
