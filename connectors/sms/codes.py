"""What the `message` of a wsCpMt answer means: exact texts, from clients that list them (schemas/sms/SOURCE.md).

Two clients write some texts with the prefix "Authenticate: " and some without; both spellings are listed.
"""

import re
from typing import Literal

Meaning = Literal["setup", "refused", "later", "already_sent"]

MEANINGS: dict[str, Meaning] = {
    "Authenticate: Cp_code: NULL_OR_BLANK": "setup",
    "Authenticate: UserName: NULL_OR_BLANK": "setup",
    "Authenticate: Password: NULL_OR_BLANK": "setup",
    "Authenticate: IP_INVALID": "setup",
    "Authenticate: CP_CODE_NOT_FOUND": "setup",
    "CP_CODE_NOT_FOUND": "setup",
    "Authenticate: WRONG_INFORMATION_AUTHENTICATE": "setup",
    "WRONG_INFORMATION_AUTHENTICATE": "setup",
    "Check RequestID: NULL_OR_BLANK": "setup",
    "Check RequestID: REQUEST_ID_NOT_NUMBER": "setup",
    "Check CommandCode: NULL_OR_BLANK": "setup",
    "Check CommandCode: COMMAND_CODE_ERROR": "setup",
    "Check UserID: NULL_OR_BLANK": "refused",
    "Check ReceiverID: NULL_OR_BLANK": "refused",
    "Check ReceiverID: FORMAT_ERROR": "refused",
    "UserID_NOT_EQUAL_ReceiverID": "refused",
    "Unable to check telco from input receiver": "refused",
    # The brand is not declared with this receiver's carrier; receivers of others still get theirs.
    "Check ServiceID: ALIAS_INVALID:TELCO=MB": "refused",
    "Check ServiceID: ALIAS_INVALID:TELCO=VT": "refused",
    "Check ServiceID: ALIAS_INVALID:TELCO=VN": "refused",
    "Check ServiceID: ALIAS_INVALID:TELCO=VM": "refused",
    "Check Content: NULL_OR_BLANK": "refused",
    "Check Content: MAXLENGTH_LIMIT_N_BYTE": "refused",
    "Check Content: MSG_ERROR_CONTAIN_BLACKLIST": "refused",
    "Check template: CONTENT_NOT_MATCH_TEMPLATE": "refused",
    # The same text went to the same receiver before: the citizen has it.
    "Check ServiceID: DUPLICATE MESSAGE": "already_sent",
    "Check information error": "later",  # "Lỗi chung hệ thống": the system's own failure, said with result 0
}


def code_of(message: str) -> str:
    """Return the row of MEANINGS a message belongs to, or "" for one nobody has listed.

    Two texts carry figures of the moment: "… (YOUR IP: 192.0.2.1)" and "… LIMIT_480_BYTE (YOUR_CONTENT: 500 BYTE)".
    """
    fixed = re.sub(r" ?\((YOUR IP|YOUR_CONTENT): [^()]{1,40}\)$", "", message.strip())
    fixed = re.sub(r"MAXLENGTH_LIMIT_\d{1,9}_BYTE$", "MAXLENGTH_LIMIT_N_BYTE", fixed)
    return fixed if fixed in MEANINGS else ""
