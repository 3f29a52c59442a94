"""The console's voucher: what it says comes back whole, and nothing else passes for one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.truc.reconcile.runs import BOTH, MINH
from truc.errors import MalformedError
from truc.reconcile.work import vouchers
from truc.reconcile.work.vouchers import Approval

KEY, OTHER = bytes(range(32)), bytes(32)
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
APPROVAL = Approval(party="momo", business_on=date(2026, 11, 20), content_hash="a" * 64, by=MINH)


def refused(key, voucher, *, now=NOW):
    with pytest.raises(MalformedError) as caught:
        vouchers.read(key, voucher, now=now)
    return caught.value.reason


@given(party=some.text(min_size=1), content_hash=some.text())
def test_what_it_says_comes_back(party, content_hash):
    said = Approval(party=party, business_on=date(2026, 11, 20), content_hash=content_hash, by=BOTH)
    assert vouchers.read(KEY, vouchers.write(KEY, said, now=NOW), now=NOW) == said


def test_it_holds_for_its_time_and_not_longer():
    voucher = vouchers.write(KEY, APPROVAL, now=NOW)
    assert vouchers.read(KEY, voucher, now=NOW + vouchers.HOLDS_FOR) == APPROVAL
    late = NOW + vouchers.HOLDS_FOR + timedelta(microseconds=1)
    assert refused(KEY, voucher, now=late) == "voucher_expired"


@pytest.mark.parametrize("voucher", ["", " ", "signed", "0" * 64, "0" * 64 + ' ["momo"]', "é " + "[]"])
def test_what_the_console_did_not_write_is_refused(voucher):
    assert refused(KEY, voucher) == "not_by_console"


@pytest.mark.parametrize(
    ("old", "new"), [("momo", "vnpay"), ("2026-11-20", "2026-11-21"), ("minh", "hoa"), ("aaa", "aab")]
)
def test_what_was_changed_is_refused(old, new):
    voucher = vouchers.write(KEY, APPROVAL, now=NOW)
    assert old in voucher
    assert refused(KEY, voucher.replace(old, new, 1)) == "not_by_console"


def test_another_installations_is_refused():
    assert refused(OTHER, vouchers.write(KEY, APPROVAL, now=NOW)) == "not_by_console"
