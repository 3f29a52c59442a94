"""Tells the hub what came of the acts that citizens were ordered to do at a payment party's stand-in."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Told = TypeVar("Told")


def tell(
    order: Mapping[str, Any],
    references: Sequence[str],
    made: Sequence[Told | None],
    send_all: Callable[[list[Told]], list[str]],
) -> dict[str, Any]:
    """Send what each act made, twice or not at all as the `/_control/pay` order says; None: the act could not be done.

    Return `skipped`, the orders whose act could not be done, and `notified`, how the tellings ended.
    """
    sent = [one for one in made if one is not None for _ in range(2 if order.get("as") == "twice" else 1)]
    ends = send_all(sent) if order.get("notify", True) else []
    skipped = [name for name, one in zip(references, made, strict=True) if one is None]
    return {"skipped": skipped, "notified": Counter(ends)}
