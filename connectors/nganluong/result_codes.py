"""Ngân Lượng's error_code, complete as published (partners.md §6), and what we do on each."""

from truc.result_codes import Doing, ResultCodes

MEANING = {
    "00": "done",
    "02": "our address is not allowed",
    "03": "wrong checksum",
    "04": "unknown function",
    "05": "wrong version",
    "06": "merchant missing or locked",
    "07": "wrong merchant password",
    "08": "e-mail of the receiver missing",
    "09": "the receiver is frozen",
    "10": "bad order code",
    "11": "amount out of range",
    "12": "bad currency",
    "29": "token missing",
    "80": "order not created",
    "81": "not paid",
    "99": "unknown error",
    "110": "not the primary e-mail of the receiver",
    "111": "the receiver is locked",
    "113": "the receiver is no seller of digital goods",
    "114": "still running",
    "115": "cancelled",
    "118": "bad tax",
    "119": "bad discount",
    "120": "bad shipping fee",
    "121": "bad return_url",
    "122": "bad cancel_url",
    "123": "bad items",
    "124": "bad transaction_info",
    "125": "bad quantity",
    "126": "bad description",
    "127": "bad affiliate",
    "128": "bad time_limit",
    "129": "bad name of the buyer",
    "130": "bad e-mail of the buyer",
    "131": "bad mobile of the buyer",
    "132": "bad address of the buyer",
    "133": "bad total_item",
    "134": "bad method or bank",
    "135": "no link to the bank",
    "140": "no instalments",
}
ACCOUNT = ("02", "03", "04", "05", "06", "07", "08", "09", "110", "111", "113")
# What these are about comes from the connection, not from the payment.
OUR_SETTINGS = ("121", "122", "128", "129", "130", "131", "132", "134")

CODES = ResultCodes(
    party="nganluong",
    meaning=MEANING,
    on={
        # 81, 114 and 115 are words about an order that stands; 99 and 135 do not say whether one was made.
        "send_payment": {
            **dict.fromkeys(MEANING, Doing.REJECTED),
            "00": Doing.ACCEPTED,
            **dict.fromkeys((*ACCOUNT, *OUR_SETTINGS), Doing.SETUP),
            **dict.fromkeys(("81", "99", "114", "115", "135"), Doing.ASK),
        },
        # ACCEPTED: there is a word on the payment, which the mapping reads.
        "get_payment": {
            **dict.fromkeys(MEANING, Doing.REJECTED),
            **dict.fromkeys(("00", "115"), Doing.ACCEPTED),
            **dict.fromkeys(("81", "114"), Doing.PENDING),
            **dict.fromkeys(ACCOUNT, Doing.SETUP),
            "29": Doing.ABSENT,
            **dict.fromkeys(("99", "135"), Doing.TRANSIENT),
        },
    },
)
