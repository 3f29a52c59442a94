"""Every reply code of SMTP (RFC 5321, 4.2.3; RFC 4954, 6), and what we do when it is said to the text of a message.

A reply before the text is translated by truc.transport.smtp: nothing has happened then. To the text, 4yz means that
the relay did not take the message over and 5yz that it never will (RFC 5321, 4.2.1 and 4.2.5). Any other code there
is no answer to a text; 421 may be said by whatever stands before the relay, after the relay took it.
"""

from truc.result_codes import Doing, ResultCodes

MEANING = {
    "211": "system status",
    "214": "help",
    "220": "service ready",
    "221": "service closes the connection",
    "235": "logged in",
    "250": "taken over",
    "251": "user not local, forwarded",
    "252": "user cannot be verified",
    "334": "challenge of a login",
    "354": "start of the text",
    "421": "service not available, closes the connection",
    "432": "a change of password is needed",
    "450": "mailbox not available now",
    "451": "failure in processing",
    "452": "not enough storage",
    "454": "login fails for now",
    "455": "parameters cannot be met now",
    "500": "command not recognised, or line too long",
    "501": "error in parameters",
    "502": "command not implemented",
    "503": "bad sequence of commands",
    "504": "parameter not implemented",
    "530": "login required",
    "534": "login mechanism too weak",
    "535": "login refused",
    "538": "encryption required for this login",
    "550": "mailbox not available, or against policy",
    "551": "user not local",
    "552": "over the storage allowed",
    "553": "name of the mailbox not allowed",
    "554": "transaction failed",
    "555": "parameters not recognised",
}


def _to_the_text(code: str) -> Doing:
    if code == "250":
        return Doing.ACCEPTED
    if code[0] == "4" and code != "421":
        return Doing.TRANSIENT
    return Doing.REJECTED if code[0] == "5" else Doing.ASK


CODES = ResultCodes(
    party="email",
    meaning=MEANING,
    on={"send_message": {code: _to_the_text(code) for code in MEANING}},
)
