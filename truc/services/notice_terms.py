"""What a province settled about notices: three settings, read from the environment of the process that gives them.

`TRUC_NOTICE_CHANNELS`: parties in the order in which they are tried (default: every party that notifies, by the rank
it declares). `TRUC_NOTICE_KINDS`: the kinds that are sent (default: all). `TRUC_NOTICE_QUIET`: the quiet hours, as
21:00-07:00 (the default), or `none`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from truc import parties
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.quiet_hours import USUAL, QuietHours
from truc.errors import SetupError
from truc.manifest import Capability

CHANNELS, ONLY_KINDS, QUIET = "TRUC_NOTICE_CHANNELS", "TRUC_NOTICE_KINDS", "TRUC_NOTICE_QUIET"
NO_HOUR = QuietHours(time(0), time(0))
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`channels` are parties, in the order in which they are tried."""

    channels: tuple[str, ...]
    kinds: frozenset[NoticeName]
    quiet: QuietHours


def read(environ: Mapping[str, str] = os.environ) -> Terms:
    """Return what is settled; raise SetupError that names the setting and what is wrong in it."""
    return Terms(
        channels=_channels(environ.get(CHANNELS, "")),
        kinds=_kinds(environ.get(ONLY_KINDS, "")),
        quiet=_quiet(environ.get(QUIET, "")),
    )


def _channels(listed: str) -> tuple[str, ...]:
    able = sorted(parties.with_capability(Capability.NOTIFY), key=lambda one: (one.notices.rank, one.party))
    names = tuple(one.party for one in able)
    wanted = _words(listed)
    if unknown := set(wanted) - set(names):
        raise _wrong(CHANNELS, f"{', '.join(sorted(unknown))}: no party that notifies; known: {', '.join(names)}")
    return wanted or names


def _kinds(listed: str) -> frozenset[NoticeName]:
    wanted = _words(listed)
    if unknown := set(wanted) - set(KINDS):
        raise _wrong(ONLY_KINDS, f"{', '.join(sorted(unknown))}: no kind of notice")
    return frozenset(name for name in KINDS if not wanted or name in wanted)


def _quiet(hours: str) -> QuietHours:
    if not hours:
        return USUAL
    if hours == "none":
        return NO_HOUR
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise _wrong(QUIET, "must be clock times in Vietnam, as 21:00-07:00, or none")
    begins_h, begins_min, ends_h, ends_min = map(int, found.groups())
    return QuietHours(time(begins_h, begins_min), time(ends_h, ends_min))


def _words(listed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", listed) if word))


def _wrong(setting: str, text: str) -> SetupError:
    return SetupError(f"{setting}: {text}", reason="setting_malformed")
