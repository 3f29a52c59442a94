"""`truc certs …`: certificates listed, checked against their files and their ends, made for development, rehearsed."""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import click

from truc import connections, parties, settings
from truc.errors import SetupError
from truc.kit import development
from truc.kit.rehearsal import Verdict, rehearse
from truc.trust import certificates
from truc.trust.certificates import Finding, Item, Problem

log = logging.getLogger(__name__)

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
MARKS: dict[Verdict, dict[Language, str]] = {
    "proved": {"vi": "đã chứng tỏ", "en": "proved"},
    "not_proved": {"vi": "chưa rõ", "en": "not proved"},
    "failed": {"vi": "HỎNG", "en": "FAILED"},
}
WORDS: dict[Problem, dict[Language, str]] = {
    "differs": {"vi": "khác với danh mục: {detail}", "en": "differs from the inventory: {detail}"},
    "unreadable": {"vi": "không đọc được: {detail}", "en": "cannot be read: {detail}"},
    "missing": {"vi": "không có tệp", "en": "the file is missing"},
    "not_listed": {"vi": "chưa có trong danh mục; ghi thêm:\n{detail}", "en": "not in the inventory; add:\n{detail}"},
    "expired": {"vi": "ĐÃ HẾT HẠN ({days} ngày)", "en": "EXPIRED ({days} days)"},
    "not_yet_valid": {"vi": "chưa đến ngày hiệu lực: {detail}", "en": "not valid yet: {detail}"},
    "ends_soon": {
        "vi": "còn {days} ngày (dưới {detail} ngày): xin cấp mới",
        "en": "{days} days left (under {detail}): ask for the next one",
    },
    "weak": {"vi": "khoá yếu: {detail}", "en": "weak key: {detail}"},
}
NONE: dict[Language, str] = {"vi": "không có chứng thư nào", "en": "no certificate"}
WELL: dict[Language, str] = {"vi": "{count} chứng thư, không có gì sai", "en": "{count} certificates, nothing wrong"}
KEYS_STAY: dict[Language, str] = {"vi": "chỉ dùng để phát triển", "en": "for development only"}

_language = click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default="vi",
    show_default=True,
    help="Language of what is said.",
)


@click.group(help="Certificates and keys: until when they hold, and whether the next ones work.")
def certs() -> None:
    """Group the commands."""


@certs.command("list", help="List every certificate of the inventory and of the connections, the first to end first.")
@_language
def list_(language: Language) -> None:
    """Print owner, use, end, days left, the fingerprint's beginning and where it lies."""
    now = datetime.now(UTC)
    items, _ = _state(now)
    for one in sorted(items, key=lambda item: item.valid_to):
        days = int(one.expires_s(now) // certificates.DAY_S)
        click.echo(
            f"{one.owner:18} {one.use:10} {one.valid_to:%Y-%m-%d} {days:>6}  {one.fingerprint[:16]}  {one.where}"
        )
    if not items:
        click.echo(NONE[language])


@certs.command(help="Hold the inventory against its files, and warn 60, 30 and 7 days before an end.")
@_language
def check(language: Language) -> None:
    """Print what is wrong; exit with 1 when something has ended, differs, is missing or cannot be read."""
    items, findings = _state(datetime.now(UTC))
    for one in findings:
        click.echo(_said(one, language))
    if not findings:
        click.echo(WELL[language].format(count=len(items)))
    if not all(one.is_harmless for one in findings):
        sys.exit(1)


@certs.command(help="Make a development authority with server, client and signing certificates under var/certs.")
@_language
def dev(language: Language) -> None:
    """Print the files; those that hold for a while yet stay as they are."""
    for path in development.make(settings.load().var / "certs", datetime.now(UTC)):
        click.echo(path)
    click.echo(KEYS_STAY[language], err=True)


@certs.command("rehearse", help="Try PARTY's next certificate or key once, before it becomes the current one.")
@click.argument("party")
@click.option(
    "--next", "given", multiple=True, help="NAME=REFERENCE, in place of the connection's next_NAME; may be repeated."
)
@_language
def rehearse_(party: str, given: tuple[str, ...], language: Language) -> None:
    """Print what was proved, what was not, and what failed; exit with 1 when something failed."""
    parties.manifest(party)
    pairs = [one.partition("=") for one in given]
    if not all(name and reference for name, _, reference in pairs):
        raise click.UsageError("--next takes NAME=REFERENCE, such as client_cert=file:/path/next.pem")
    failed = False
    following = {name.removeprefix("next_"): reference for name, _, reference in pairs}
    for line in rehearse(connections.read(party), following, datetime.now(UTC)):
        click.echo(f"{MARKS[line.verdict][language]:12} {line.vi if language == 'vi' else line.en}")
        failed = failed or line.verdict == "failed"
    if failed:
        sys.exit(1)


def check_today() -> dict[str, int]:
    """Log every finding and return how many of each problem; SetupError when one of them stops work."""
    items, findings = _state(datetime.now(UTC))
    for one in findings:
        log.log(logging.WARNING if one.is_harmless else logging.ERROR, "%s", _said(one, "en"))
    if stopping := [one for one in findings if not one.is_harmless]:
        raise SetupError(f"{len(stopping)} certificates: {_said(stopping[0], 'en')}", reason="certificates_wrong")
    counts = {problem: sum(one.problem == problem for one in findings) for problem in WORDS}
    return {"certificates": len(items)} | {problem: count for problem, count in counts.items() if count}


def _state(now: datetime) -> tuple[list[Item], list[Finding]]:
    named = certificates.readable(parties.names())
    return certificates.state(settings.load().root / "certs", named, now)


def _said(one: Finding, language: Language) -> str:
    text = WORDS[one.problem][language].format(detail=one.detail, days=one.days)
    return f"{one.owner or '?'} {one.use or '?'} {one.where}: {text}"
