"""Every text a wsCpMt answer is known to carry with result 0, as the table that the suites insist on."""

from connectors.sms.codes import MEANINGS
from truc.result_codes import Doing, ResultCodes

DOINGS = {
    "setup": Doing.SETUP,
    "refused": Doing.REJECTED,
    "later": Doing.TRANSIENT,
    "already_sent": Doing.ACCEPTED,
}

# The texts are codes and meanings at once: the partner has no numbers for them.
CODES = ResultCodes(
    party="sms",
    meaning={text: text for text in MEANINGS},
    on={"send_message": {text: DOINGS[meaning] for text, meaning in MEANINGS.items()}},
)
