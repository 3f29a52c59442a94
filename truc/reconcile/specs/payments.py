"""Payments: the ledger against a partner's statement, the receipts issued, and the remittance to the treasury."""

from truc.reconcile.spec import Spec

SPEC = Spec(
    name="payments",
    version=1,
    title="Payments: ledger, statement, receipts, remittance",
    title_vi="Thanh toán: sổ cái, sao kê, biên lai, nộp kho bạc",
)
