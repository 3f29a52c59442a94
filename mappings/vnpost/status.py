"""VNPost's three scales of status (domain/partners.md 10), and what each code is in our words.

None stands for a published code that is no step of a whole parcel: a person reads it.
"""

from truc.domain.shipment_states import Word

# The NGSP service's collection states (10.2).
STATES: dict[str, Word] = {
    "0": "ordered",  # "none": no postman has it yet
    "1": "ordered",  # registered
    "2": "collecting",
    "3": "delivered",
    "4": "cancelled",  # one seen client closes the order at 4, another reads cancelled: not confirmed
}

# MyVNPost's order status (10.1). `failed` on the way back too: the citizen has not got it, the office not yet.
MY_VNPOST: dict[str, Word | None] = {
    "0": "ordered",  # draft
    "1": "ordered",  # created
    "2": "collecting",  # a postman accepted to pick it up
    "3": "ordered",  # awaiting confirmation
    "4": "collecting",
    "5": "failed",  # pickup unsuccessful
    "6": "in_transit",  # picked up
    "7": "in_transit",  # received at a post office
    "8": "failed",  # pickup failed
    "9": "cancelled",  # pickup cancelled
    "10": "in_transit",
    "11": "in_transit",  # at the delivery office
    "12": "in_transit",  # out for delivery
    "13": "in_transit",  # forwarded
    "14": "delivered",
    "15": "failed",  # delivery unsuccessful
    "16": "failed",  # waiting to be returned
    "17": "failed",  # return approved
    "18": "failed",  # return started
    "19": "returned",
    "20": None,  # partly returned: one dossier is one parcel
    "21": "delivered",  # the COD money is paid out, which follows delivery
    "22": "cancelled",  # delivery cancelled
    "23": None,  # partly delivered
    "24": "failed",  # returning
    "28": None,  # shipping fee paid: about money
    "29": "cancelled",  # cancellation fee paid
}

# An older scale another client of MyVNPost has; where both have a code (1), it means the same state here.
MY_VNPOST_OLDER: dict[str, Word | None] = {
    "1": "ordered",  # pending
    "50": "collecting",  # processing
    "70": "in_transit",  # delivering
    "80": "in_transit",  # delivering
    "90": "delivered",
    "100": "returned",
}
