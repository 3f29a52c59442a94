"""The NGSP collection states of VNPost (domain/partners.md 10.2), and what they are in our words."""

from typing import Literal

State = Literal["ordered", "collecting", "in_transit", "delivered", "returned", "failed", "cancelled"]

STATES: dict[str, State] = {
    "0": "ordered",  # "none": no postman has it yet
    "1": "ordered",  # registered
    "2": "collecting",
    "3": "delivered",
    "4": "cancelled",  # one seen client closes the order at 4, another reads cancelled: not confirmed
}
