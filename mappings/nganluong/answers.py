"""Ngân Lượng's XML answers as fields, out of what the client kept of a call (partners.md §6)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from truc.domain import members
from truc.errors import MalformedError

Fields = Mapping[str, str]


def kept(body: bytes) -> dict[str, Any]:
    """Return what was kept of a call: what the answer leaves out, and the answer itself under `answer`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON", reason="not_json") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object", reason="not_an_object")
    return value


def answer(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the values that stand right under the root of Ngân Lượng's answer; a DTD is refused."""
    try:
        document = members.text(found, "answer").encode()
    except UnicodeEncodeError as error:
        raise MalformedError("answer holds half a character", reason="text_not_storable") from error
    root = _root(document)
    said = {str(one.tag): (one.text or "").strip() for one in root}
    if len(said) != len(root):
        raise MalformedError("a name appears twice", reason="name_twice")
    return said


def amount_vnd(said: Fields, name: str) -> int:
    """Return whole đồng of at most 15 digits."""
    value = members.text(said, name)
    if not (value.isascii() and value.isdecimal() and len(value) <= 15):
        raise MalformedError(f"{name} must be whole đồng", reason="field_malformed")
    return int(value)


def moment(found: Mapping[str, Any], name: str) -> datetime:
    """Return an instant that the client wrote, with its zone."""
    try:
        at = datetime.fromisoformat(members.text(found, name))
    except ValueError as error:
        raise MalformedError(f"{name} must be an ISO time", reason="field_malformed") from error
    if at.tzinfo is None:
        raise MalformedError(f"{name} must carry its zone", reason="field_malformed")
    return at


def _root(document: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise MalformedError("the answer is no XML", reason="not_xml") from None  # the parser's text may quote it
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedError("the answer holds a DTD", reason="dtd_forbidden")
    return root
