"""Turns a template and what it shows into an answer; everything shown is escaped unless a template is its source."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from truc import parties
from truc.console import forms, language
from truc.console.desk import Visit
from truc.console.language import Language
from truc.reconcile import words
from truc.reconcile.words import said

PAGES = Path(__file__).parent / "pages"
LANGUAGE_KEPT_S = 365 * 24 * 3600


def page(visit: Visit, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
    """Return the page in the visitor's language, with the cookies it needs."""
    context = {
        "visit": visit,
        "user": visit.user,
        "may": visit.may,
        "form_token": visit.desk.forms.token(visit.browser, visit.user.actor.name),
        **_worded(visit.request, visit.language),
        **shown,
    }
    answer = HTMLResponse(_environment().get_template(template).render(context), status)
    if forms.COOKIE not in visit.request.cookies:
        _set_cookie(answer, visit.request, forms.COOKIE, visit.browser)
    if visit.request.query_params.get("lang") in list(Language):
        _set_cookie(answer, visit.request, language.COOKIE, visit.language, max_age=LANGUAGE_KEPT_S)
    return answer


def bare_page(request: Request, template: str, *, status: int, **shown: Any) -> HTMLResponse:
    """Return a page for somebody whom we do not know."""
    context = {"user": None, **_worded(request, language.chosen(request)), **shown}
    return HTMLResponse(_environment().get_template(template).render(context), status)


def party_name(party: str, lang: Language) -> str:
    """Return what a party is called; a party that has no room here by its word."""
    in_vietnamese, in_english = parties.called(party)
    return in_english if lang is Language.EN else in_vietnamese


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "whole": _in_language(language.whole),
        "money": _in_language(language.money),
        "signed": _in_language(language.signed),
        "day": language.day,
        "instant": language.instant,
    }
    made.globals |= {"words": words, "query": _query}
    return made


def _in_language(write: Callable[[int, str], str]) -> Callable[[Context, int], str]:
    @pass_context
    def written(context: Context, number: int) -> str:
        return write(number, context["lang"])

    return written


def _worded(request: Request, lang: Language) -> dict[str, Any]:
    root = request.scope.get("root_path", "")
    other = Language.VI if lang == Language.EN else Language.EN
    return {
        "t": lambda vi, en: en if lang == Language.EN else vi,
        "said": lambda table, code: said(getattr(words, table), code, lang.value),
        "rule_said": lambda rule: words.rule_said(rule, lang.value),
        "party_name": lambda party: party_name(party, lang),
        "lang": lang.value,
        "root": root,
        "other_language": _query({**request.query_params, "lang": other.value}) if request.method == "GET" else "",
    }


def _query(values: Mapping[str, object]) -> str:
    """Write a query without what is empty."""
    return "?" + urlencode({name: value for name, value in values.items() if value not in ("", None)})


def _set_cookie(answer: HTMLResponse, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=max_age,
        path=request.scope.get("root_path") or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # a link in a mail must not make the forms of other tabs strangers
    )
