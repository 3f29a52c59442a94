"""The OpenAPI document's examples: every call has one, and each is taken as it stands."""

import pytest
import requests

PREFIX = "/internal/v1/"
# In the order in which one builds on the other.
IN_ORDER = ("dossiers", "dossiers/batch", "statuses", "statuses/batch", "payments", "payments/batch")


@pytest.fixture
def document(gateway):
    return requests.get(f"{gateway.url}/openapi.json", timeout=30).json()


def examples(document, path):
    """Return the examples of what is posted there."""
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return (document["components"]["schemas"][name] if name else schema).get("examples", [])


def test_everything_that_is_posted_has_an_example(document):
    posted = [path for path, calls in document["paths"].items() if "post" in calls]
    assert [path for path in posted if not examples(document, path)] == []


def test_a_code_or_reference_in_the_address_has_an_example(document):
    told = {
        one["name"]: one["schema"].get("examples", [])
        for path in ("dossiers/{dossier_code}", "payments/{our_reference}")
        for one in document["paths"][PREFIX + path]["get"]["parameters"]
    }
    assert told == {"dossier_code": ["H32.01-260303-0001"], "our_reference": ["P26030300000001"]}


def test_each_example_is_taken_and_one_that_came_before_is_known(gateway, document):
    outcomes = {}
    for path in IN_ORDER:
        answers = [gateway.post(PREFIX + path, one) for one in examples(document, PREFIX + path)]
        assert [answer.status_code for answer in answers] == [200] * len(answers), [one.text for one in answers]
        each = [answer.json() for answer in answers]
        flat = [one for answer in each for one in (answer if isinstance(answer, list) else [answer])]
        outcomes[path] = [one["outcome"] for one in flat]
    assert outcomes == {
        "dossiers": ["booked"],
        "dossiers/batch": ["known"],
        "statuses": ["booked"],
        "statuses/batch": ["known"],
        "payments": ["booked"] * 3,
        "payments/batch": ["known"] * 2,
    }
