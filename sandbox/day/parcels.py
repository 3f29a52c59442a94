"""Parcels and messages to citizens: orders to the post, the postman's rounds, SMS."""

from collections import defaultdict

from sandbox.day.stage import Stage

COLLECTING, DELIVERED = 2, 3


def lose_answers(stage: Stage) -> None:
    """Let the post take two orders and not say so."""
    if stage.journal.met("lost_answers_order") or stage.open_messages("vnpost") == 0:
        return
    stage.partners["vnpost"].misbehave("order", "drop_after", 1)
    stage.partners["vnpost"].misbehave("order", "error_after", 1)
    stage.journal.note("lost_answers_order", 2)


def carry(stage: Stage) -> None:
    """Let postmen collect the results that are ready and deliver every third of them, then ask where they are."""
    post = stage.partners["vnpost"]
    query = """SELECT order_number FROM shipments JOIN dossiers ON code = dossier_code
               WHERE finished_at IS NOT NULL AND source_reference LIKE :name ORDER BY order_number"""
    ready = [row.order_number for row in stage.rows(query, name=f"%-{stage.plan.name}-%")]
    stands: dict[str, int] = defaultdict(int)
    for effect in post.effects("tracking"):
        stands[effect["data"]["orderNumber"]] = max(stands[effect["data"]["orderNumber"]], effect["data"]["statusCode"])
    for code, orders in ((COLLECTING, ready), (DELIVERED, ready[::3])):
        # Never back: a day played again finds the parcels where they are.
        if behind := [one for one in orders if 0 < stands[one] < code]:
            post.tell("advance", {"orders": behind, "statusCode": code})
    stage.progress.say(f"{len(ready):,} bưu gửi đã có kết quả · parcels collected, every third delivered")


def track(stage: Stage) -> None:
    """Fetch the post's news; afterwards every parcel stands here as it stands there."""
    stage.run("postal_tracking")
