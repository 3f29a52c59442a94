"""Orders to misbehave are carried out as often as ordered, for whom they are meant, and not before their time."""

import pytest

from sandbox.faults import Fault, Faults


def test_a_fault_is_met_so_often_and_no_more() -> None:
    faults = Faults()
    faults.order(Fault("create", "refuse", times=2))
    assert [faults.take("create") is not None for _ in range(4)] == [True, True, False, False]
    assert faults.met() == {"create:refuse": 2}


def test_a_fault_spares_the_calls_before_it() -> None:
    faults = Faults()
    faults.order(Fault("create", "refuse", times=1, after=2))
    assert [faults.take("create") is not None for _ in range(4)] == [False, False, True, False]


def test_only_calls_of_its_own_operation_are_spared_and_met() -> None:
    faults = Faults()
    faults.order(Fault("create", "refuse", times=1, after=1))
    assert [faults.take(one) is not None for one in ("query", "query", "create", "query", "create")] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_fault_of_another_mode_is_left_open() -> None:
    faults = Faults()
    faults.order(Fault("*", "twice", times=1))
    assert faults.take("ipn", "refuse") is None
    assert faults.take("ipn", "refuse", "twice") is not None


def test_an_unknown_mode_is_refused_and_clearing_keeps_the_counts() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="unknown fault mode"):
        faults.order(Fault("create", "explode", times=1))
    faults.order(Fault("create", "refuse", times=5))
    faults.take("create")
    faults.clear()
    assert faults.take("create") is None
    assert faults.met() == {"create:refuse": 1}
