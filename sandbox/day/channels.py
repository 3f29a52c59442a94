"""The channels that a day's payments go through: one row each, with what citizens and partner do there."""

from dataclasses import dataclass
from typing import Literal

from sandbox.vnptpay.signature import FAILED

Part = Literal["pay", "refuse", "forget", "lost", "twice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an order ends that nobody paid: by the partner's own code, and in which state of ours."""

    code: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One partner through which citizens pay from home.

    `share`: of the day's payments. `tells`: the kinds of call that say how a payment ended. `parts`: what some
    citizens do beside paying: they refuse, they forget, or the partner loses their callback or sends it twice.
    `unheard`: orders whose answer is planted to be lost, so that nobody learns where to pay them.
    """

    party: str
    share: float
    tells: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    unheard: int = 0
    has_page: bool = False  # the order stands at the partner once the citizen opened its page
    refused: End | None = None
    lapsed: End | None = None  # in the evening, without a call: whoever asks is told; None: what is open stays open

    @property
    def fewest(self) -> int:
        """How many payments every part needs, with one that is simply paid."""
        return self.unheard + len(self.parts) + 1

    @property
    def delivers(self) -> str:
        """The DAG that sends its payments."""
        return f"payments_{self.party}"

    @property
    def asks(self) -> str:
        """The DAG that asks about them."""
        return f"ask_payments_{self.party}"


# The shares are ours: no source says how citizens spread over the channels.
CHANNELS = (
    Channel(
        party="momo",
        share=0.30,
        tells=("ipn",),
        parts=("lost", "twice", "refuse", "forget"),
        unheard=2,
        refused=End(code="1006", state="failed"),
        lapsed=End(code="1005", state="expired"),
    ),
    Channel(
        party="vnpay",
        share=0.20,
        tells=("ipn",),
        parts=("lost", "refuse", "forget"),
        has_page=True,
        refused=End(code="11", state="expired"),  # the citizen lets the time of the page run out
        lapsed=End(code="24", state="failed"),
    ),
    # Nobody leaves an order open here: ViettelPay publishes no word for one that will not be paid.
    Channel(party="viettelpay", share=0.10, tells=("result",), parts=("lost",), has_page=True),
    # It cannot be asked, so nobody forgets an order here either: it would stay open for a day.
    Channel(
        party="vnptpay",
        share=0.08,
        tells=("notification_paid", "notification_failed"),
        parts=("refuse",),
        has_page=True,
        refused=End(code=FAILED, state="failed"),
    ),
    Channel(
        party="national_payment",
        share=0.12,
        tells=("result",),
        parts=("forget",),
        lapsed=End(code="99", state="failed"),
    ),
)
BANK = "vietinbank"  # citizens transfer at a counter, which sees it; the rest of the shares
FEWEST_AT_BANK = 2
FEWEST = sum(one.fewest for one in CHANNELS) + FEWEST_AT_BANK


def counts(payments: int) -> dict[str, int]:
    """Return party → how many of the day's payments go through it: what its parts need, and its share of the rest.

    Raise ValueError where there are too few for every part to be played.
    """
    if payments < FEWEST:
        raise ValueError(f"{payments} dossiers with a fee are too few to pay through every channel: take more dossiers")
    rest = payments - FEWEST
    found = {one.party: one.fewest + int(rest * one.share) for one in CHANNELS}
    return {**found, BANK: payments - sum(found.values())}
