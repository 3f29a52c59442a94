"""`truc party …`: make a party, list them, check what they claim, look at their endpoints."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

import click

from truc import connections, parties, settings
from truc.errors import SetupError
from truc.kit import party_check, party_matrix, party_probe, party_rooms
from truc.kit.party_check import Finding
from truc.kit.party_look import Look
from truc.manifest import Manifest

Language = Literal["vi", "en"]
STATES = {
    "vi": {"done": "đạt", "exempt": "miễn", "todo": "còn làm", "broken": "SAI"},
    "en": {"done": "done", "exempt": "exempt", "todo": "to do", "broken": "BROKEN"},
}
VERDICTS = {
    "vi": {"well": "tốt", "warning": "chú ý", "broken": "HỎNG", "not_looked_at": "không xem"},
    "en": {"well": "well", "warning": "warning", "broken": "BROKEN", "not_looked_at": "not looked at"},
}
STEPS_VI = {
    "settings": "cấu hình",
    "name": "tên miền",
    "tcp": "kết nối",
    "tls": "chứng thư TLS",
    "host_key": "khóa máy chủ",
    "clock": "đồng hồ",
    "credentials": "tài khoản",
}
TEXTS = {
    "vi": {
        "made": "Đã tạo {count} tệp cho {party}. Còn lại:",
        "rule": "  quy tắc {rule}: {reason}",
        "docs": "  docs/parties.md: chạy `truc party list --markdown`",
        "readme": "  connectors/{party}/README.md: mục «What is not confirmed»",
        "check": "Kiểm tra: `make check`, `truc party check {party}`, và\n  {pytest}",
        "weak": "  thuật toán yếu: {name} {algorithm}: {why}",
        "clean": "{count} đối tác, không có gì sai",
        "broken": "{count} đối tác, {broken} quy tắc sai",
    },
    "en": {
        "made": "{count} files written for {party}. What is left:",
        "rule": "  rule {rule}: {reason}",
        "docs": "  docs/parties.md: run `truc party list --markdown`",
        "readme": "  connectors/{party}/README.md: the part «What is not confirmed»",
        "check": "Check it: `make check`, `truc party check {party}`, and\n  {pytest}",
        "weak": "  weak algorithm: {name} {algorithm}: {why}",
        "clean": "parties: {count}, nothing broken",
        "broken": "parties: {count}, rules broken: {broken}",
    },
}
PYTEST = (
    "var/venv/bin/python -m pytest tests/suites tests/house tests/connectors/{party} tests/mappings/{party} -k {party}"
)
LANGUAGE = click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True, help="Language.")


@click.group()
def party() -> None:
    """The partners this hub can talk to: make, list, check, probe."""


@party.command()
@click.argument("name")
@click.option("--transport", type=click.Choice(["rest", "soap", "sftp"]), required=True, help="How it is reached.")
@click.option("--can", "listed", required=True, help="Its capabilities, with commas (truc party list shows them).")
@click.option("--title", default="", help="Its name in English.")
@click.option("--title-vi", default="", help="Its name in Vietnamese.")
@LANGUAGE
def new(name: str, *, transport: str, listed: str, title: str, title_vi: str, lang: Language) -> None:
    """Write every room of the party NAME: it works against its own stand-in, in a dialect to be replaced."""
    made = party_rooms.NewParty(
        name=name,
        title=title or name,
        title_vi=title_vi or title or name,
        transport=cast(party_rooms.Transport, transport),
        can=party_rooms.capabilities(listed),
    )
    root = settings.load().root
    written = party_rooms.write(root, made)
    _say(lang, "made", count=len(written), party=name)
    for rule in _left(root, name):
        _say(lang, "rule", rule=rule[0], reason=rule[1])
    for text in ("readme", "docs", "check"):
        _say(lang, text, party=name, pytest=PYTEST.format(party=name))


@party.command("list")
@click.option("--markdown", is_flag=True, help="Write docs/parties.md instead.")
def list_parties(*, markdown: bool) -> None:
    """List every party with its transport and what it can do."""
    if not markdown:
        click.echo(party_matrix.screen(parties.manifests()))
        return
    path = settings.load().root / party_matrix.DOCUMENT
    path.write_text(party_matrix.markdown(parties.manifests()), encoding="utf-8")
    click.echo(path)


@party.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Every party.")
@LANGUAGE
def check(name: str | None, lang: Language, *, every: bool) -> None:
    """Prove what the party NAME says it keeps. Exit 1 when a «done» is not proved or a reason is missing."""
    if every == bool(name):
        raise click.UsageError("say which party, or --all")
    chosen = parties.manifests() if every else (_known(str(name)),)
    root, broken = settings.load().root, 0
    for manifest in chosen:
        findings = party_check.check(root, manifest)
        broken += sum(one.state == "broken" for one in findings)
        _show_findings(manifest, findings, lang)
    _say(lang, "broken" if broken else "clean", count=len(chosen), broken=broken)
    sys.exit(1 if broken else 0)


@party.command()
@click.argument("name")
@LANGUAGE
def probe(name: str, lang: Language) -> None:
    """Look at the configured endpoint of NAME; nothing is written there. Exit 1 when a step is broken."""
    manifest = _known(name)
    worst = 0
    for look in party_probe.probe(manifest, connections.read(name)):
        _show_look(look, lang)
        worst = max(worst, look.verdict == "broken")
    sys.exit(worst)


def _known(name: str) -> Manifest:
    if name not in parties.names():
        text = f"no party {name!r}; there are: {', '.join(parties.names())}"
        raise SetupError(text, reason="unknown_party")
    return parties.manifest(name)


def _left(root: Path, name: str) -> list[tuple[str, str]]:
    """Return (rule, reason) of what the manifest just written leaves to do; it is found in a fresh list of parties."""
    parties.names.cache_clear()
    if not (root / "connectors" / name).is_dir() or name not in parties.names():
        raise SetupError(f"connectors/{name} is not where Python looks for connectors: run from {root}")
    return [(one.name, one.reason) for one in parties.manifest(name).rules if one.state == "todo"]


def _show_findings(manifest: Manifest, findings: Iterable[Finding], lang: Language) -> None:
    click.echo(f"{manifest.party} · {manifest.title_vi if lang == 'vi' else manifest.title}")
    for one in findings:
        words = "; ".join(filter(None, (*one.problems, one.reason, one.proof if one.state == "done" else "")))
        click.echo(f"  {STATES[lang][one.state]:8} {one.rule:26} {words}".rstrip())
    for name, algorithm, why in party_check.weak_algorithms(manifest.party):
        _say(lang, "weak", name=name, algorithm=algorithm, why=why)


def _show_look(look: Look, lang: Language) -> None:
    step = STEPS_VI[look.step] if lang == "vi" else look.step
    click.echo(f"{VERDICTS[lang][look.verdict]:14} {step:14} {look.seen}")


def _say(lang: Language, text: str, **words: object) -> None:
    click.echo(TEXTS[lang][text].format(**words))
