"""What `error` of a ZNS answer means; the numbers seen are in schemas/zalo/SOURCE.md, and they are not all there are.

A code that is not here is an outcome nobody knows: it is not guessed at.
"""

from truc.result_codes import Doing, ResultCodes

SUCCESS, TOKEN_INVALID = "0", "-124"

_ROWS: dict[str, tuple[str, Doing]] = {
    SUCCESS: ("sent", Doing.ACCEPTED),
    # The partner's words are «unknown error, try later»: whether it went out is not said.
    "-100": ("unknown error", Doing.ASK),
    "-101": ("the app is not valid", Doing.SETUP),
    "-102": ("the app does not exist", Doing.SETUP),
    "-103": ("the app is not active", Doing.SETUP),
    "-104": ("the app's secret key is not valid", Doing.SETUP),
    "-105": ("the app is linked to no Official Account", Doing.SETUP),
    "-106": ("the method is not supported", Doing.SETUP),
    "-107": ("the message id is not valid", Doing.REJECTED),
    "-108": ("the phone number is not valid", Doing.REJECTED),
    "-109": ("the template id is not valid", Doing.SETUP),
    "-110": ("the citizen's Zalo is too old", Doing.REJECTED),
    "-111": ("the template has no data", Doing.REJECTED),
    # A person must add to the balance; until then messages wait.
    "-115": ("out of quota", Doing.SETUP),
    "-118": ("no Zalo account has this number", Doing.REJECTED),
    # The client forgets the token, and the next try asks for a new one.
    TOKEN_INVALID: ("the access token is not valid", Doing.TRANSIENT),
}

CODES = ResultCodes(
    party="zalo",
    meaning={code: meaning for code, (meaning, _) in _ROWS.items()},
    on={"send_message": {code: doing for code, (_, doing) in _ROWS.items()}},
)
