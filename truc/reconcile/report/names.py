"""What a report's file is called."""

import re

from truc.reconcile.report.contents import DayReport

# Characters that no file system, shell or mail program takes amiss.
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")


def file_name(report: DayReport, ending: str) -> str:
    """Return e.g. `doi-soat_momo_2026-11-20_v2.xlsx`; `ending` is what follows the version.

    Files may hold several parties and days: then the name says how many parties, and the first and the last day.
    """
    return f"doi-soat_{_party(report)}_{_days(report)}_v{report.version}{ending}"


def _party(report: DayReport) -> str:
    if len(report.parties) != 1:
        return f"{len(report.parties)}-doi-tac"
    return _OTHER.sub("-", report.parties[0]).strip("-") or "doi-tac"


def _days(report: DayReport) -> str:
    if report.first_on is None or report.last_on is None:
        return "khong-ngay"
    first, last = report.first_on.isoformat(), report.last_on.isoformat()
    return first if first == last else f"{first}--{last}"
