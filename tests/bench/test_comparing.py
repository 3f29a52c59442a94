"""What is lost, doubled, out of order or never asked for is seen, and what waits for a person is not taken for lost."""

from bench.comparing import Wish, compared, out_of_order

WANTED = [Wish(ours=f"A/{number}", theirs=f"step {number}", key="A") for number in (1, 2, 3)]
SENT = {wish.ours: "sent" for wish in WANTED}
ONCE = {wish.theirs: 1 for wish in WANTED}


def test_all_once_is_good():
    found = compared(WANTED, SENT, ONCE)
    assert found.is_good
    assert (found.wanted, found.arrived) == (3, 3)


def test_what_is_sent_here_and_unknown_there_is_lost():
    found = compared(WANTED, SENT, {"step 1": 1, "step 2": 1})
    assert (found.lost, found.is_good) == (1, False)
    assert found.examples == ["lost: A/3 is sent here and unknown there"]


def test_a_store_change_without_its_message_is_lost():
    assert compared(WANTED, {"A/1": "sent", "A/2": "sent"}, {"step 1": 1, "step 2": 1}).lost == 1


def test_what_arrived_and_is_not_known_here_as_sent_is_lost():
    assert compared(WANTED, SENT | {"A/3": "unknown"}, ONCE).lost == 1


def test_what_happened_twice_is_doubled():
    assert compared(WANTED, SENT, ONCE | {"step 2": 2}).doubled == 1


def test_what_a_rolled_back_change_sent_is_a_stranger():
    assert compared(WANTED, SENT, ONCE | {"step 4": 1}).strangers == 1


def test_what_was_stopped_and_what_it_holds_back_is_not_lost():
    found = compared(WANTED, {"A/1": "sent", "A/2": "set_aside", "A/3": "waiting"}, {"step 1": 1})
    assert found.is_good
    assert (found.stopped, found.held) == (1, 1)


def test_what_waits_behind_nothing_is_lost():
    assert compared(WANTED, SENT | {"A/3": "waiting"}, {"step 1": 1, "step 2": 1}).lost == 1


def test_what_was_stopped_and_happened_twice_is_doubled_all_the_same():
    assert compared(WANTED, SENT | {"A/2": "set_aside"}, ONCE | {"step 2": 2}).doubled == 1


def test_another_order_is_seen_key_by_key():
    happened = [("A", "step 1"), ("B", "step 9"), ("A", "step 3"), ("A", "step 2")]
    assert out_of_order(WANTED, happened) == ["A"]
    assert out_of_order(WANTED, [("A", "step 1"), ("A", "step 2"), ("A", "step 3")]) == []
