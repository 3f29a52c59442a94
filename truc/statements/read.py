"""Reads a statement file as its profile says: every form, all lines, all faults."""

from truc.statements import camt053, delimited, fixed_width, mt940, workbook
from truc.statements.lines import Found, understand
from truc.statements.profiles import Camt053, Delimited, FixedWidth, Mt940, Profile, Workbook
from truc.statements.reading import Reading


def read(body: bytes, profile: Profile) -> Reading:
    """Return the lines, the totals, and every line that could not be read; `Reading.whole()` believes or refuses it.

    MalformedError only for what is no file of this form at all: `not_text`, `empty`, `not_xml`, `not_a_workbook`,
    `too_many_lines`, `wrong_account`.
    """
    return understand(profile.party, _found(body, profile), profile.means)


def _found(body: bytes, profile: Profile) -> Found:
    match profile:
        case Delimited():
            return delimited.found(body, profile)
        case FixedWidth():
            return fixed_width.found(body, profile)
        case Workbook():
            return workbook.found(body, profile)
        case Camt053():
            return camt053.found(body, profile)
        case Mt940():
            return mt940.found(body, profile)
