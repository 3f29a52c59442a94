"""Readers of reference data: a catalogue of procedures in two file forms, and the shipped tables.

Form 1 is ours ({"form": "truc.catalogue/1", "procedures": [...]}), form 2 the real export of 2021 (a
list of {title, agency, channels[mode, time_limit, fees], documents}), which publishes no code.
Nothing here touches a store: what a file says comes out, and what it fails to say comes out named.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from truc.domain.agency import Agency
from truc.domain.areas import communes
from truc.domain.calendar import SwappedDay
from truc.domain.identifiers import agency_code, old_agency_code
from truc.domain.identifiers import procedure_code as parse_procedure_code
from truc.domain.procedure import Channel, ChannelTerms, Document, Procedure, read_terms
from truc.errors import MalformedError

OUR_FORM = "truc.catalogue/1"
_EXPORT_MODES = {
    "Trực tiếp": Channel.COUNTER,
    "Trực tuyến": Channel.ONLINE,
    "Dịch vụ bưu chính": Channel.POST,
}


@dataclass(frozen=True)
class SetAside:
    """One item that could not be read; `item` names it for a person, `text` names the field and the fix."""

    item: str
    reason: str
    text: str


def read_catalogue(body: bytes) -> Iterator[Procedure | SetAside]:
    """Every item of a catalogue file, in order: a Procedure, or a SetAside with its reason.

    An item published twice word for word comes out twice (same key, same version digest: loading it
    again changes nothing); the same key with other content is set aside. Raises MalformedError
    ("not_a_catalogue") when the file as a whole is neither form.
    """
    read, items = _items(body)
    seen: dict[str, str] = {}
    for number, item in enumerate(items, start=1):
        try:
            procedure = read(item)
        except MalformedError as error:
            yield SetAside(f"item {number}", error.reason, str(error))
            continue
        first = seen.setdefault(procedure.key, procedure.version_digest)
        if first == procedure.version_digest:
            yield procedure
        else:
            yield SetAside(
                f"item {number}", "conflicting_duplicate",
                f"procedure {procedure.key}: stands twice in the file with different content; keep one",
            )  # fmt: skip


def unread_wordings(procedure: Procedure) -> Iterator[SetAside]:
    """Each published wording of a procedure that has no value, with its reason; the procedure holds the text."""
    for terms in procedure.channels:
        for field, reason in (("time_limit", terms.time_limit_reason), ("fees", terms.fee_reason)):
            if reason:
                yield SetAside(
                    f"{procedure.key} {terms.channel.value} {field}", reason,
                    f"{field} of «{procedure.name[:80]}», {terms.channel.value}: kept as published, no value read",
                )  # fmt: skip


def read_procedures() -> tuple[Procedure, ...]:
    """The shipped procedures; raises MalformedError if the shipped file itself is wrong."""
    read: list[Procedure] = []
    for item in read_catalogue(_shipped("procedures.json")):
        if isinstance(item, SetAside):
            raise MalformedError(f"procedures.json, {item.item}: {item.text}", reason=item.reason)
        read.append(item)
    return tuple(read)


def read_agencies() -> tuple[Agency, ...]:
    """Khánh Hòa's agencies: parents before children, so they can be inserted in order.

    Names and area codes of communes come from vietnam_provinces; see README.md for what the
    identifiers are (not published to us).
    """
    shipped = json.loads(_shipped("agencies.json"))
    rule = shipped["communes"]
    wards = [_commune(area.code, area.name, rule) for area in communes(rule["province_area"])]
    by_area = {ward.area_code: ward.code for ward in wards}
    return (*(_agency(item, by_area) for item in shipped["agencies"]), *wards)


def read_swapped_days() -> tuple[SwappedDay, ...]:
    """The shipped days worked or off by yearly decision; sources stand in the file."""
    days = json.loads(_shipped("swapped_days.json"))["swapped_days"]
    return tuple(SwappedDay(date.fromisoformat(day["on"]), day["works"]) for day in days)


def _items(body: bytes) -> tuple[Any, list[object]]:
    """The reader for the file's form, and its items."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        content = None
    if isinstance(content, list):
        return _from_export, content
    if isinstance(content, dict) and content.get("form") == OUR_FORM:
        items = content.get("procedures")
        if isinstance(items, list):
            return _from_ours, items
    raise MalformedError(
        f"catalogue: neither JSON of form {OUR_FORM} nor a list of exported procedures",
        reason="not_a_catalogue",
    )


def _from_ours(item: object) -> Procedure:
    fields = _fields(item)
    year = fields.get("year")
    return Procedure(
        code=str(parse_procedure_code(_word(fields, "code"))),
        name=_word(fields, "name"),
        field_code=_word(fields, "field_code"),
        field_name=_word(fields, "field_name"),
        agency_level=_word(fields, "agency_level"),
        agency=_word(fields, "agency"),
        channels=_channels(fields, "channel", {channel.value: channel for channel in Channel}),
        documents=_documents(fields),
        agency_code=_text(fields, "agency_code"),
        code_source=_text(fields, "code_source"),
        terms_source=_text(fields, "terms_source"),
        year=year if isinstance(year, int) else None,
    )


def _from_export(item: object) -> Procedure:
    fields = _fields(item)
    return Procedure(
        code="",
        name=_word(fields, "title"),
        field_code="",
        field_name="",
        agency_level="",
        agency=_text(fields, "agency"),  # one real item has none
        channels=_channels(fields, "mode", _EXPORT_MODES),
        documents=_documents(fields),
    )


def _channels(fields: Mapping[str, object], name: str, words: Mapping[str, Channel]) -> tuple[ChannelTerms, ...]:
    read: dict[Channel, ChannelTerms] = {}
    for entry in _list(fields, "channels"):
        channel = words.get(_word(entry, name))
        if channel is None or channel in read:
            raise MalformedError(
                f"{name}: unknown or repeated; expected each of {', '.join(words)} at most once",
                reason="bad_channel",
            )
        read[channel] = read_terms(channel, _text(entry, "time_limit"), _text(entry, "fees"))
    return tuple(read.values())


def _documents(fields: Mapping[str, object]) -> tuple[Document, ...]:
    return tuple(
        Document(_text(entry, "name"), _text(entry, "form_url"), _text(entry, "copies"))
        for entry in _list(fields, "documents")
    )


def _fields(item: object) -> Mapping[str, object]:
    if not isinstance(item, dict):
        raise MalformedError("procedure: expected an object with named fields", reason="not_an_object")
    return item


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise MalformedError(f"{name}: expected text", reason="not_text")
    return value


def _word(fields: Mapping[str, object], name: str) -> str:
    value = _text(fields, name)
    if not value.strip():
        raise MalformedError(f"{name}: missing or empty", reason="missing_field")
    return value


def _list(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise MalformedError(f"{name}: expected a list", reason="not_a_list")
    return [_fields(entry) for entry in value]


def _agency(item: Mapping[str, str], commune_by_area: Mapping[str, str]) -> Agency:
    code = agency_code(item["code"])
    successor = item.get("successor") or commune_by_area.get(item.get("successor_area", ""), "")
    return Agency(
        code=code,
        name=item["name"],
        kind=item["kind"],  # type: ignore[arg-type]  # our own file; a test checks every kind
        level=code.count(".") + 1,
        parent=item["parent"],
        valid_from=date.fromisoformat(item["valid_from"]),
        valid_to=date.fromisoformat(item["valid_to"]) if item.get("valid_to") else None,
        successor=successor,
        old_code=old_agency_code(code),
        area_code=item.get("area_code", ""),
        code_source=item["code_source"],
    )


def _commune(area_code: str, name: str, rule: Mapping[str, str]) -> Agency:
    # The last three digits are unique within the province and stay when the package is updated.
    return Agency(
        code=f"{rule['parent']}.{area_code[-3:]}",
        name=f"Ủy ban nhân dân {name[:1].lower()}{name[1:]}",
        kind="commune",
        level=2,
        parent=rule["parent"],
        valid_from=date.fromisoformat(rule["valid_from"]),
        area_code=area_code,
        code_source=rule["code_source"],
    )


def _shipped(name: str) -> bytes:
    return files("truc.reference").joinpath(name).read_bytes()
