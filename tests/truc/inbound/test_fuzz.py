"""Schemathesis reads the gateway's own OpenAPI and calls every route with what it allows and what it does not.

No answer is a 5xx, none is of a status or form that OpenAPI does not tell, and no route works without its key. The
choices are made from a fixed seed, so that a failure is the same on every machine.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

CALLS = 40
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
ROUTES = [
    ("POST", "/internal/v1/dossiers"),
    ("POST", "/internal/v1/dossiers/batch"),
    ("POST", "/internal/v1/statuses"),
    ("POST", "/internal/v1/statuses/batch"),
    ("POST", "/internal/v1/payments"),
    ("POST", "/internal/v1/payments/batch"),
    ("POST", "/internal/v1/payments/{our_reference}/refund"),
    ("POST", "/internal/v1/shipments/{order_number}/cancel"),
    ("GET", "/internal/v1/dossiers/{dossier_code}"),
    ("GET", "/internal/v1/dossiers/{dossier_code}/shipments"),
    ("POST", "/internal/v1/notices"),
    ("POST", "/internal/v1/dossiers/{dossier_code}/wish"),
    ("GET", "/internal/v1/dossiers/{dossier_code}/notices"),
    ("GET", "/internal/v1/payments/{our_reference}"),
    ("GET", "/internal/v1/payments/{our_reference}/bill"),
]


@pytest.fixture(scope="module")
def described(module_gateway):
    """The OpenAPI of a running gateway."""
    return schemathesis.openapi.from_url(f"{module_gateway.url}/openapi.json")


def test_every_route_of_the_document_is_called(described):
    found = {(one.ok().method.upper(), one.ok().path) for one in described.get_all_operations()}
    assert found == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_call_makes_the_gateway_fail_or_answer_what_it_does_not_tell(described, module_gateway, method, path):
    operation = described[path][method]
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    # A batch answers each bad item where it stands, and is taken.
    checks = CHECKS if path.endswith("batch") else [*CHECKS, negative_data_rejection]
    statuses = set()

    @seed(20_261_122)
    @settings(
        max_examples=CALLS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=right | wrong)
    def called(case):
        headers = {"Authorization": f"Bearer {module_gateway.key}"}
        statuses.add(case.call_and_validate(headers=headers, checks=checks).status_code)

    called()
    assert statuses & {200, 404, 422}, "no call came past the key"
