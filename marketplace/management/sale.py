"""The whole thread as a client sees it: queue -> plan -> offer -> order -> dispatch -> delivery -> settlement -> proof.

It speaks to an installation through its REST API only, as an operator's and a grid operator's program would. It decides
nothing: every figure it returns was read back from the installation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests


class StepFailedError(RuntimeError):
    """A step of the thread was refused or did not end in time."""


class Party:
    """One organisation's program: a token and the API it talks to. Lost connections are retried; refusals are raised."""

    def __init__(self, base_url: str, token: str) -> None:
        self.api = f"{base_url}/api/v1"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Token {token}"

    def call(self, method: str, path: str, *, patience_s: float = 20, **options: Any) -> Any:
        """One request, repeated while the installation is restarting (connection refused, 502, 503)."""
        until = time.monotonic() + patience_s
        while True:
            try:
                answer = self.session.request(method, f"{self.api}{path}", timeout=20, **options)
            except requests.ConnectionError as problem:
                if time.monotonic() > until:
                    raise StepFailedError(f"{method} {path}: no connection ({problem})") from problem
                time.sleep(0.2)
                continue
            if answer.status_code in {502, 503} and time.monotonic() < until:
                time.sleep(0.2)
                continue
            if answer.status_code >= 400:
                raise StepFailedError(f"{method} {path} answered {answer.status_code}: {answer.text[:600]}")
            return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        """GET as JSON."""
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        """POST JSON."""
        return self.call("POST", path, json=body if body is not None else {})

    def wait(self, path: str, *, until: Callable[[Any], bool], what: str, timeout_s: float = 45) -> Any:
        """Poll `path` until `until(answer)`; raises StepFailedError with the last answer when time runs out."""
        end, answer = time.monotonic() + timeout_s, None
        while time.monotonic() < end:
            answer = self.get(path)
            if until(answer):
                return answer
            time.sleep(0.1)
        raise StepFailedError(
            f"{what} did not happen within {timeout_s:.0f} s; the last answer was {str(answer)[:600]}"
        )


def upload_jobs(
    operator: Party, *, site: str, filename: str, content: bytes, slack_hours: float, epoch: datetime
) -> dict[str, Any]:
    """Upload a queue file, wait until it was read, and import its valid rows."""
    upload = operator.call(
        "POST",
        f"/sites/{site}/uploads",
        files={"file": (filename, content)},
        data={"slack_hours": str(slack_hours), "epoch": epoch.isoformat()},
    )
    read = operator.wait(
        f"/uploads/{upload['id']}", until=lambda u: u["state"] != "RECEIVED", what="reading the queue file"
    )
    if read["state"] == "FAILED":
        raise StepFailedError(f"the queue file cannot be read: {read['error']}")
    if read["state"] == "NEEDS_REVIEW":
        operator.post(f"/uploads/{upload['id']}/accept", {"valid_only": True})
    return dict(operator.get(f"/uploads/{upload['id']}"))


def wait_for_plan(operator: Party, *, site: str, after: int | None = None) -> dict[str, Any]:
    """The newest usable plan of the site, newer than plan `after`."""
    return dict(
        operator.wait(
            f"/sites/{site}/plan",
            until=lambda p: p.get("id") is not None and (after is None or p["id"] > after),
            what="planning",
        )
    )


def publish_best_offer(operator: Party, *, site: str, window: tuple[datetime, datetime] | None) -> dict[str, Any]:
    """Ask for an offer (for `window`, or the best the engine finds), and publish it."""
    body = {"start": window[0].isoformat(), "end": window[1].isoformat()} if window else {}
    wish = operator.post(f"/sites/{site}/offer-requests", body)
    answer = operator.wait(
        f"/offer-requests/{wish['id']}", until=lambda w: w["state"] != "PENDING", what="drafting an offer"
    )
    if answer["state"] != "DONE":
        raise StepFailedError(f"no offer could be drafted: {answer['problem']}")
    return dict(operator.post(f"/offers/{answer['offer']}/publish", {"accept_back_test": True}))


def find_on_network(grid: Party, *, offer_id: str) -> str:
    """Search the network until the offer is in the answer; returns the search's transaction id."""
    for _ in range(5):
        search = grid.post("/searches", {"direction": "REDUCE"})
        path = f"/searches/{search['transaction_id']}"
        answer = grid.wait(path, until=lambda s: s["answered_at"] is not None, what="the catalogue's answer")
        if any(offer["id"] == offer_id for catalogue in answer["catalogs"] for offer in catalogue["offers"]):
            return str(search["transaction_id"])
        time.sleep(0.5)
    raise StepFailedError("the offer did not appear in the catalogue")


def buy(grid: Party, *, search: str, offer_id: str, kw: str) -> dict[str, Any]:
    """Quote, agree terms and confirm; returns the confirmed purchase."""
    purchase = grid.post("/purchases", {"search": search, "offer_id": offer_id, "kw": kw})
    path = f"/purchases/{purchase['id']}"
    wait_for_state(grid, path, "QUOTED")
    for step, state in (("initialise", "INITIALISED"), ("confirm", "CONFIRMED")):
        grid.post(f"{path}/{step}")
        purchase = wait_for_state(grid, path, state)
    return purchase


def dispatch(grid: Party, *, purchase_id: str) -> dict[str, Any]:
    """Dispatch everything ordered and wait for the seller's acceptance."""
    grid.post(f"/purchases/{purchase_id}/dispatch")
    return wait_for_state(grid, f"/purchases/{purchase_id}", "ACTIVE")


def wait_for_state(grid: Party, path: str, state: str) -> dict[str, Any]:
    """Poll a purchase until it reaches `state`; a refusal is raised in the seller's words."""

    def there(purchase: Any) -> bool:
        if purchase["refusal"]:
            raise StepFailedError(f"the seller refused: {purchase['refusal']}")
        return bool(purchase["state"] == state)

    return dict(grid.wait(path, until=there, what=f"the purchase reaching {state}"))
