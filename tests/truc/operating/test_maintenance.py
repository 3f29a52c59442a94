"""A partner that is held is not called, and costs its messages nothing."""

from typing import Any


def test_a_held_party_is_not_called_until_it_is_released(hub: Any, partner: Any, operator: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    operator.orders("hold", "vnpost")
    assert "not called: the partner asked for it" in operator.types("lines").output
    assert hub.deliver(there) == {"unreachable": 0}
    assert (hub.states(), hub.rows()[0].attempts, there.times()) == (["waiting"], 0, {})
    assert "until it is released (now)" in operator.types("maintenance", "list").output
    assert "1 windows ended" in operator.orders("release", "vnpost")
    assert hub.deliver(there)["sent"] == 1
    assert "nothing holds vnpost" in operator.fails("release", "vnpost")
    rows = hub.sql("SELECT actor, action, target, reason FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("hoa", "maintenance_add", "vnpost", "the partner asked for it"),
        ("hoa", "release", "vnpost", "the partner asked for it"),
    ]


def test_a_window_that_lies_ahead_holds_nobody_yet_and_can_be_taken_back(hub: Any, partner: Any, operator: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    operator.orders("maintenance", "add", "vnpost", "--from", "2999-01-01T22:00", "--until", "2999-01-02T04:00")
    assert "2999-01-01 22:00:00 until 2999-01-02 04:00:00" in operator.types("maintenance", "list").output
    assert hub.deliver(there)["sent"] == 1
    assert "nothing holds vnpost" in operator.fails("release", "vnpost")
    window = hub.sql("SELECT id FROM maintenance")[0].id
    operator.orders("maintenance", "end", window)
    assert operator.types("maintenance", "list").output == "no window\n"
    assert "no window" in operator.fails("maintenance", "end", window)


def test_a_hold_until_a_time_ends_by_itself(hub: Any, partner: Any, operator: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    operator.orders("hold", "vnpost", "--until", "2999-01-01")
    assert hub.deliver(there) == {"unreachable": 0}
    hub.sql("UPDATE maintenance SET from_at = now() - interval '2 hours', until_at = now() - interval '1 second'")
    assert hub.deliver(there)["sent"] == 1


def test_the_end_of_a_window_that_stood_wakes_the_couriers(hub: Any, operator: Any, heard: Any) -> None:
    every = {"national_portal/dossier", "national_portal/progress"}
    operator.orders("hold", "national_portal")
    assert heard(hub.store, lambda: operator.orders("release", "national_portal")) == every
    operator.orders("hold", "national_portal")
    operator.orders("maintenance", "add", "national_portal", "--from", "2999-01-01", "--until", "2999-01-02")
    stood, ahead = [row.id for row in hub.sql("SELECT id FROM maintenance ORDER BY id")][1:]
    assert heard(hub.store, lambda: operator.orders("maintenance", "end", ahead)) == set()
    assert heard(hub.store, lambda: operator.orders("maintenance", "end", stood)) == every


def test_an_order_that_makes_no_sense_is_refused(hub: Any, operator: Any) -> None:
    before = operator.tables()
    assert "must lie in the future" in operator.fails("hold", "vnpost", "--until", "2020-01-01")
    add = ["maintenance", "add", "vnpost", "--from", "2999-01-02", "--until", "2999-01-01"]
    assert "after the beginning" in operator.fails(*add)
    assert "is not a party here" in operator.fails("hold", "nobody")
    assert "must not be blank" in operator.types("hold", "vnpost", "--reason", "").output
    assert operator.tables() == before
