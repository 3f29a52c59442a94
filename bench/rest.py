"""A call through Rest against a bare requests.Session, to the same local server: `python -m bench.rest`."""

import requests

from bench.answering import answering
from bench.figures import Figure, show
from bench.turns import compared
from truc.manifest import Limits
from truc.transport.rest import Rest

BAR = 0.8  # of the speed of the session
CALLS, ROUNDS = 300, 15
BODY = b'{"partnerCode":"MOMO","requestId":"r-1","amount":41000,"orderInfo":"phi dich vu cong"}'
ANSWER = b'{"resultCode":0,"message":"Successful.","payUrl":"https://example.vn/pay"}'
HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def run(calls: int = CALLS, rounds: int = ROUNDS) -> list[Figure]:
    """Return the figures of a GET, and of a POST with a JSON body."""
    with answering(ANSWER, "application/json") as url, requests.Session() as session:
        session.trust_env = False  # as Rest's own: or it would look for proxies and passwords in every call
        rest = Rest("bench", url, Limits())
        posts = compared(
            "a POST through Rest",
            lambda: rest.call("POST", "/pay", body=BODY, headers=HEADERS).body,
            lambda: session.post(f"{url}/pay", data=BODY, headers=HEADERS, timeout=(5, 30)).content,
            floor_name="requests.Session", bar=BAR, calls=calls, rounds=rounds,
        )  # fmt: skip
        gets = compared(
            "a GET through Rest",
            lambda: rest.call("GET", "/state").body,
            lambda: session.get(f"{url}/state", timeout=(5, 30)).content,
            floor_name="requests.Session", bar=BAR, calls=calls, rounds=rounds,
        )  # fmt: skip
        rest.close()
    return [posts, gets]


if __name__ == "__main__":
    show(run())
