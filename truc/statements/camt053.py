"""ISO 20022 camt.053 statements: one line for each transaction of each entry, whatever the version.

The standard's names: Ntry is an entry, TxDtls a transaction of it, Bal a balance, Amt an amount with its currency
Ccy. Versions differ in the namespace, and in whether Sts holds its code itself (to .07) or in Cd (from .08).
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial

from lxml import etree

from truc.errors import MalformedError
from truc.statements import cells as cell
from truc.statements.cells import Cell, CellError
from truc.statements.lines import Found, Record
from truc.statements.profiles import Amounts, Camt053
from truc.statements.reading import Declared, Unread

NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-3])")
AMOUNTS = Amounts(decimals=".")  # the standard's amounts: no grouping, a point, no sign
CLOSING = ("CLBD",)
SIGNS = {"CRDT": 1, "DBIT": -1}
FEE = "Chrgs/TtlChrgsAndTaxAmt"
Element = etree._Element


def found(body: bytes, profile: Camt053) -> Found:
    """Return the transactions of one statement.

    MalformedError `not_xml` (also for a DTD: none is agreed, and entities could hide anything), `wrong_version`,
    `wrong_account` when there is not exactly the one statement, `truncated` for a page of several.
    """
    statement = _statement(_document(body), profile)
    _refuse_a_page(statement)
    unread: list[Unread] = []
    records: list[Record] = []
    more = 0
    for entry in _all(statement, "Ntry"):
        try:
            cells = list(_entry(entry, profile))
        except CellError as error:
            unread.append(Unread(_row(entry), error.reason, str(error), error.field))
            continue
        more += len(cells) - 1
        records += [Record(_row(entry), place, one) for place, one in enumerate(cells, start=len(records) + 1)]
    declared, wrong = _declared(statement, more)
    return Found(declared, records, (*unread, *wrong))


def _document(body: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # What the parser says may repeat the text, so only the place is told.
        line = getattr(error, "lineno", 1)
        raise MalformedError(f"line {line}: not well-formed XML: ask for the file again", reason="not_xml") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedError("line 1: a DTD is not taken", reason="not_xml")
    return root


def _statement(root: Element, profile: Camt053) -> Element:
    name = etree.QName(root)
    if name.localname != "Document" or not NAMESPACE.fullmatch(name.namespace or ""):
        raise MalformedError("line 1: no camt.053.001.02 to .13 document", reason="wrong_version")
    statements = [one for part in _all(root, "BkToCstmrStmt") for one in _all(part, "Stmt")]
    fitting = [one for one in statements if not profile.account or _account(one) == profile.account]
    if len(fitting) != 1:
        text = f"{len(fitting)} statements of the account among {len(statements)}, 1 expected: correct `account`"
        raise MalformedError(text, reason="wrong_account")
    return fitting[0]


def _refuse_a_page(statement: Element) -> None:
    """Refuse a statement that says it is one page of several: the others are not in this file."""
    page, last = _text(statement, "StmtPgntn/PgNb"), _text(statement, "StmtPgntn/LastPgInd")
    if page.lstrip("0") not in ("", "1") or last not in ("", "true", "1"):
        text = f"line {_row(statement)}: the file is one page of a longer statement: ask for the whole of it"
        raise MalformedError(text, reason="truncated")


def _account(statement: Element) -> str:
    return _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")


def _entry(entry: Element, profile: Camt053) -> Iterator[dict[str, Cell]]:
    """Yield the transactions of an entry; what makes one of them unreadable makes the whole entry so."""
    whole_vnd = _amount(entry, "Amt")
    details = [one for part in _all(entry, "NtryDtls") for one in _all(part, "TxDtls")]
    if len(details) < 2:
        yield _cells(entry, details[0] if details else entry, whole_vnd, profile)
        return
    amounts = [_amount(one, "Amt" if _first(one, "Amt") is not None else "AmtDtls/TxAmt/Amt") for one in details]
    if sum(amounts) != whole_vnd:
        raise CellError("Amt", "entry_total_differs", f"of the entry is not the sum of its {len(details)} transactions")
    for one, amount_vnd in zip(details, amounts, strict=True):
        yield _cells(entry, one, amount_vnd, profile)


def _cells(entry: Element, details: Element, amount_vnd: int, profile: Camt053) -> dict[str, Cell]:
    # The indicator says which way the money went, also for an entry that takes another back.
    direction = _text(entry, "CdtDbtInd")
    taken_back = _text(entry, "RvslInd") in ("true", "1")
    if direction not in SIGNS:
        raise CellError("CdtDbtInd", "unknown_direction", "must be CRDT or DBIT")
    settled: dict[str, Cell] = {} if _first(entry, "ValDt") is None else {"settled_on": _when(entry, "ValDt")}
    return settled | {
        "our_reference": _first_text((details, entry), profile.references),
        "partner_reference": _first_text((details, entry), profile.partner_references),
        "kind": f"{direction} RVSL" if taken_back else direction,
        "amount_vnd": SIGNS[direction] * amount_vnd,
        "fee_vnd": _amount(details, FEE) if _first(details, FEE) is not None else 0,
        "state": _text(entry, "Sts/Cd") or _text(entry, "Sts"),
        "occurred_at": _when(entry, "BookgDt"),
    }


def _when(entry: Element, name: str) -> datetime:
    """Return the instant of a date or date-time, a day without a zone being one of Vietnam."""
    text = _text(entry, f"{name}/DtTm") or _text(entry, f"{name}/Dt")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CellError(name, "time_malformed", "must be an ISO date or date-time") from None
    return found.astimezone(cell.VIETNAM) if found.tzinfo else found.replace(tzinfo=cell.VIETNAM)


def _amount(element: Element, path: str) -> int:
    found = _first(element, path)
    if found is None:
        raise CellError(path, "amount_missing", "is not there")
    if found.get("Ccy") != "VND":
        raise CellError(path, "wrong_currency", "must be in VND")
    return cell.amount(path, (found.text or "").strip(), AMOUNTS)


def _declared(statement: Element, transactions_more: int) -> tuple[Declared, list[Unread]]:
    """Read the totals. The standard counts entries; the further transactions of an entry are counted with them."""
    values: dict[str, int | None] = {}
    unread: list[Unread] = []
    for name, read in TOTALS.items():
        try:
            if (value := read(statement)) is not None:
                values[name] = value + (transactions_more if name == "count" else 0)
        except CellError as error:
            unread.append(Unread(_row(statement), error.reason, str(error), name))
    values["sequence_last"] = values.get("sequence_first")
    return Declared(business_on=_business_on(statement, unread), end_marked=True, **values), unread


def _balance(statement: Element, codes: tuple[str, ...]) -> int | None:
    for balance in _all(statement, "Bal"):
        if _text(balance, "Tp/CdOrPrtry/Cd") in codes:
            return SIGNS.get(_text(balance, "CdtDbtInd"), 1) * _amount(balance, "Amt")
    return None


def _count(statement: Element) -> int | None:
    text = _text(statement, "TxsSummry/TtlNtries/NbOfNtries")
    return cell.number("NbOfNtries", text) if text else None


def _sequence(statement: Element) -> int | None:
    """Return the electronic sequence number, else the legal one; a 0 numbers nothing."""
    text = _first_text((statement,), ("ElctrncSeqNb", "LglSeqNb"))
    return cell.number("ElctrncSeqNb", text) or None if text else None


def _sum(statement: Element, name: str) -> int | None:
    text = _text(statement, f"TxsSummry/{name}/Sum")
    return cell.amount(name, text, AMOUNTS) if text else None


def _business_on(statement: Element, unread: list[Unread]) -> date | None:
    """Return the day of the closing balance; without one, the day of the lines stands."""
    for balance in _all(statement, "Bal"):
        if _text(balance, "Tp/CdOrPrtry/Cd") in CLOSING:
            try:
                return _when(balance, "Dt").date()
            except CellError as error:
                unread.append(Unread(_row(balance), error.reason, str(error), error.field))
    return None


def _all(element: Element, name: str) -> list[Element]:
    return [child for child in element if isinstance(child.tag, str) and etree.QName(child).localname == name]


def _first(element: Element, path: str) -> Element | None:
    found: Element | None = element
    for name in path.split("/"):
        found = next(iter(_all(found, name)), None) if found is not None else None
    return found


def _text(element: Element, path: str) -> str:
    found = _first(element, path)
    return "" if found is None else (found.text or "").strip()


def _first_text(elements: tuple[Element, ...], paths: tuple[str, ...]) -> str:
    texts = (_text(element, path) for path in paths for element in elements)
    return next((text for text in texts if text), "")


def _row(element: Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 1


TOTALS: dict[str, Callable[[Element], int | None]] = {
    "opening_vnd": partial(_balance, codes=("OPBD", "PRCD")),
    "closing_vnd": partial(_balance, codes=CLOSING),
    "count": _count,
    "sequence_first": _sequence,
    "credit_vnd": partial(_sum, name="TtlCdtNtries"),
    "debit_vnd": partial(_sum, name="TtlDbtNtries"),
}
