"""What we do on each known `error_code` of the portal after each of our two sends, as the table the suites insist on.

A look-up has no row here: whether a send arrived is judged from the record it answers, see arrival.py.
"""

from connectors.national_portal.codes import RESULTS, Result
from truc.result_codes import Doing, ResultCodes

MEANING = {
    Result.OK: "done",
    Result.EXISTS: "the dossier exists already",
    Result.REFUSED: "refused",
}
# A dossier that exists is updated; a step has nothing to update.
ON_DOSSIER = {Result.OK: Doing.ACCEPTED, Result.EXISTS: Doing.ACCEPTED, Result.REFUSED: Doing.REJECTED}
ON_PROGRESS = {Result.OK: Doing.ACCEPTED, Result.EXISTS: Doing.REJECTED, Result.REFUSED: Doing.REJECTED}

CODES = ResultCodes(
    party="national_portal",
    meaning={code: MEANING[result] for code, result in RESULTS.items()},
    on={
        "send_dossier": {code: ON_DOSSIER[result] for code, result in RESULTS.items()},
        "send_progress": {code: ON_PROGRESS[result] for code, result in RESULTS.items()},
    },
)
