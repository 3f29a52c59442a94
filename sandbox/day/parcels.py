"""Parcels and messages to citizens: orders to the post, the postman's rounds, SMS."""

from collections import defaultdict

from sandbox.day.stage import Stage

COLLECTING, DELIVERED = 2, 3


def lose_answers(stage: Stage) -> None:
    """Let the post take two orders and not say so."""
    stage.plant("vnpost", "order", "drop_after", "error_after")


def carry(stage: Stage) -> None:
    """Let postmen collect the results that are ready and deliver every third of them."""
    post = stage.partners["vnpost"]
    query = """SELECT order_number FROM shipments JOIN dossiers ON code = dossier_code
               WHERE status IN (9, 10) AND source_reference LIKE :name ORDER BY order_number"""
    ready = [row.order_number for row in stage.rows(query, name=f"%-{stage.plan.name}-%")]
    stands: dict[str, int] = defaultdict(int)
    for effect in post.effects("tracking"):
        stands[effect["data"]["orderNumber"]] = max(stands[effect["data"]["orderNumber"]], effect["data"]["statusCode"])
    for code, orders in ((COLLECTING, ready), (DELIVERED, ready[::3])):
        # Never back: a day played again finds the parcels where they are.
        if behind := [one for one in orders if 0 < stands[one] < code]:
            post.tell("advance", {"orders": behind, "statusCode": code})
    stage.progress.say(f"{len(ready):,} bưu gửi đã có kết quả · parcels collected, every third delivered")
