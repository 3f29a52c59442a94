"""Holds the post's own prices against the fees we charge: a tariff that changed is seen before citizens pay wrongly."""

from collections.abc import Callable
from datetime import date
from typing import Protocol, cast

from sqlalchemy import or_, select

from truc import parties
from truc.domain.money import format_vnd
from truc.domain.postage import postage_vnd
from truc.errors import MalformedError
from truc.messages import PostageAsked
from truc.parties import Client
from truc.store.opened import Transaction
from truc.store.tables.catalogue import AGENCIES

WEIGHT_G = 100  # a dossier; the rate is the same whatever it weighs
ELSEWHERE = ("01", "79")  # a place outside the province: the first of them that is


class Prices(Protocol):
    """A client that can be asked what a parcel costs."""

    def get_price(self, question: bytes) -> bytes:
        """Return the party's answer as its mapping reads it."""


def questions(transaction: Transaction, on: date) -> list[PostageAsked]:
    """Return one question inside each province this hub serves on that day, and one from there to another."""
    valid = AGENCIES.c.valid_from <= on, or_(AGENCIES.c.valid_to.is_(None), AGENCIES.c.valid_to >= on)
    roots = select(AGENCIES.c.area_code).where(AGENCIES.c.code.notlike("%.%"), *valid).order_by(AGENCIES.c.code)
    homes = [str(code) for code in transaction.sql.execute(roots).scalars() if code]
    return [
        PostageAsked(weight_g=WEIGHT_G, sender_province=home, receiver_province=receiver)
        for home in dict.fromkeys(homes)
        for receiver in (home, next(one for one in ELSEWHERE if one != home))
    ]


def check(client: Client, party: str, kind: str, asked: list[PostageAsked], on: date) -> dict[str, int]:
    """Ask the post for each price and return "from-to" → whole đồng; MalformedError ("postage_differs") for another.

    `kind` names the mapping that writes the question and reads the answer.
    """
    write = cast(Callable[[PostageAsked], bytes], parties.writer(party, kind))
    read = cast(Callable[[bytes], int], parties.reader(party, kind))
    said = {one: read(cast(Prices, client).get_price(write(one))) for one in asked}
    ours = {one: postage_vnd(one.receiver_province, one.sender_province, ordered_on=on) for one in asked}
    if differ := [one for one in asked if said[one] != ours[one]]:
        told = "; ".join(f"{_name(one)}: {format_vnd(said[one])}, we charge {format_vnd(ours[one])}" for one in differ)
        raise MalformedError(f"{party}: the post's price is another: {told}", reason="postage_differs")
    return {_name(one): fee_vnd for one, fee_vnd in said.items()}


def _name(one: PostageAsked) -> str:
    return f"{one.sender_province}-{one.receiver_province}"
