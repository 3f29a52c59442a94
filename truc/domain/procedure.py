"""An administrative procedure as published: what it is called, who does it, and its terms per channel."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from truc.domain.fees import Fee, FeeKind, fee_of_dossier_vnd, read_fees
from truc.domain.time_limit import TimeLimit, Unit, Unread, read_time_limit

__all__ = [
    "Channel",
    "ChannelTerms",
    "Document",
    "Fee",
    "FeeKind",
    "Procedure",
    "TimeLimit",
    "Unit",
    "Unread",
    "read_fees",
    "read_terms",
    "read_time_limit",
]


class Channel(StrEnum):
    """How a dossier is handed in (KenhThucHien 1, 2, 3); the same words as truc.messages.Channel."""

    COUNTER = "counter"
    ONLINE = "online"
    POST = "post"


@dataclass(frozen=True)
class ChannelTerms:
    """Time limit and fees of one channel, each with the published wording and, if unread, why."""

    channel: Channel
    time_limit: TimeLimit | None
    time_limit_wording: str
    time_limit_reason: str  # "" when read
    fees: tuple[Fee, ...]
    fee_wording: str
    fee_reason: str  # "" when read

    @property
    def fee_vnd(self) -> int | None:
        """The amount to ask for, when the published terms leave exactly one; else None: a person decides."""
        return fee_of_dossier_vnd(self.fees)


@dataclass(frozen=True)
class Document:
    """A paper the dossier must hold, as published."""

    name: str
    form_url: str = ""
    copies: str = ""


@dataclass(frozen=True)
class Procedure:
    """One procedure. `code` is "" where the source publishes none; then name and agency identify it."""

    code: str
    name: str
    field_code: str
    field_name: str
    agency_level: str  # "province", "commune", or "" where not published
    agency: str  # the published name
    channels: tuple[ChannelTerms, ...]
    documents: tuple[Document, ...] = ()
    agency_code: str = ""  # ours, when one agency of the province answers for it
    code_source: str = ""  # "seen" or "recalled" in the shipped data
    terms_source: str = ""  # the same, for wordings of time limits and fees
    year: int | None = None  # when the published terms held

    @property
    def key(self) -> str:
        """What identifies it in the store: the code, else `export:` and a digest of name and agency."""
        if self.code:
            return self.code
        return "export:" + _digest([_one_line(self.name), _one_line(self.agency)])[:32]

    @property
    def version_digest(self) -> str:
        """SHA-256 of the content as published; a reload makes a new version only when it differs.

        Our reading of the wordings is left out on purpose: a better reader is not a new publication.
        """
        return _digest(
            {
                "code": self.code,
                "name": self.name,
                "field": [self.field_code, self.field_name],
                "agency": [self.agency_level, self.agency, self.agency_code],
                "channels": [[t.channel, t.time_limit_wording, t.fee_wording] for t in self.channels],
                "documents": [[d.name, d.form_url, d.copies] for d in self.documents],
            }
        )

    def terms(self, channel: str) -> ChannelTerms | None:
        """The terms of a channel, None when the procedure is not offered there."""
        return next((terms for terms in self.channels if terms.channel == channel), None)


def read_terms(channel: Channel, time_limit_wording: str, fee_wording: str) -> ChannelTerms:
    """A channel's terms with both wordings read as far as they can be."""
    limit = read_time_limit(time_limit_wording)
    fees = read_fees(fee_wording)
    return ChannelTerms(
        channel=channel,
        time_limit=None if isinstance(limit, Unread) else limit,
        time_limit_wording=time_limit_wording,
        time_limit_reason=limit.reason if isinstance(limit, Unread) else "",
        fees=() if isinstance(fees, Unread) else fees,
        fee_wording=fee_wording,
        fee_reason=fees.reason if isinstance(fees, Unread) else "",
    )


def _one_line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _digest(content: object) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(unicodedata.normalize("NFC", canonical).encode()).hexdigest()
