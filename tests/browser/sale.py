"""The steps of one sale as people take them: a queue with faults in it becomes a plan, an offer, an order and a proof."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from marketplace.management.later_runs import LATEST, play_runs
from tests.browser.house import House, queue_file

BAD_ROWS = b"""broken-1,2026-11-16 09:00,2026-11-17T09:00Z,3600,50,true,BATCH
broken-2,2026-11-16T09:00Z,2026-11-16T09:10Z,3600,50,true,BATCH
broken-3,2026-11-16T09:00Z,2026-11-17T09:00Z,3600,-5,true,BATCH
"""
NEVER_RELOADED = "window.caco_test_mark = true"


def mark(page: Page) -> None:
    """Leave a mark that a reload would wipe out."""
    page.evaluate(NEVER_RELOADED)


def unmoved(page: Page) -> bool:
    """Whether the page has not been reloaded since it was marked."""
    return bool(page.evaluate("window.caco_test_mark === true"))


def upload_and_review(page: Page) -> None:
    """Three bad rows are shown with row, column, value and fix; the good ones come in."""
    good = queue_file()
    expect(page.get_by_text("Norwich DC1 has no jobs")).to_be_visible()
    page.get_by_role("listitem").filter(has_text="Norwich DC1").get_by_role("link", name="Upload a queue").click()
    page.get_by_label("Queue file").set_input_files(
        {"name": "monday.csv", "mimeType": "text/csv", "buffer": good + BAD_ROWS}
    )
    page.get_by_role("button", name="Upload and review").click()
    mark(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("monday.csv.*Needs review"))
    assert unmoved(page), "the review must arrive by itself"
    rows = page.get_by_role("region", name="Problems").get_by_role("row")
    expect(rows).to_have_count(4)
    for row, column, value in (
        ("62", "arrival", "2026-11-16 09:00"),
        ("63", "deadline", "2026-11-16T09:10Z"),
        ("64", "power_kw", "-5"),
    ):
        found = rows.filter(has_text=value)
        expect(found).to_contain_text(row)
        expect(found).to_contain_text(column)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all 3 as CSV").click()
    with open(download.value.path(), newline="") as lines:
        assert [row["value"] for row in csv.DictReader(lines)] == ["2026-11-16 09:00", "2026-11-16T09:10Z", "-5"]
    page.get_by_role("button", name="Import valid rows only (60)").click()
    expect(page.get_by_role("status").filter(has_text="60 jobs are in the queue")).to_be_visible()


def see_the_schedule(page: Page, house: House) -> None:
    """The plan appears by itself; the chart is drawn, and its numbers stand in the table below it."""
    page.get_by_role("link", name="Schedule").click()
    expect(page.locator("figure[data-chart] canvas")).to_have_count(3, timeout=45_000)
    assert drawn(page), "the first pane must not be blank"
    expect(page.get_by_role("row").filter(has_text="Saved")).to_contain_text("£")
    page.get_by_text("Show the numbers as a table").click()
    plan = house.operator.get("/sites/norwich/plan")
    table = page.locator(".chart-table tbody tr")
    expect(table).to_have_count(plan["slots"])
    first = table.first.locator("td").nth(1).inner_text().replace(",", "")
    assert float(first) == pytest.approx(plan["load_kw"][0], abs=0.06)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these runs as CSV").click()
    with open(download.value.path(), newline="") as lines:
        assert {row["id"] for row in csv.DictReader(lines)} <= {f"sim-7-{n:04d}" for n in range(1, 61)}
    house.read_history("norwich")


def drawn(page: Page) -> bool:
    """Whether the first canvas holds more than one colour."""
    return bool(
        page.evaluate(
            """() => {
                const canvas = document.querySelector("figure[data-chart] canvas");
                const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
                return new Set(pixels).size > 8;
            }"""
        )
    )


def draft_and_publish(page: Page) -> str:
    """The best window becomes a draft with its price and its proof, and goes on sale after a check."""
    page.get_by_role("navigation", name="Norwich DC1").get_by_role("link", name="Flexibility").click()
    expect(page.locator("figure[data-chart] canvas")).to_have_count(2)
    page.get_by_role("button", name="Draft an offer").click()
    mark(page)
    page.get_by_role("link", name="See the offer").first.click(timeout=45_000)
    expect(page.get_by_role("heading", name="How the price is made")).to_be_visible()
    expect(page.get_by_role("heading", name="Proof that it can be delivered")).to_contain_text("Holds")
    kw = page.locator(".facts div").filter(has=page.get_by_text("Turn-down", exact=True)).locator("dd").inner_text()
    page.get_by_role("link", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check before you publish")
    expect(page.get_by_role("group", name="How wrong the baseline is")).to_contain_text("like-day-mean-v1")
    accept = page.get_by_role("checkbox", name="I have read the back-test")
    if accept.count():  # where the made-up meter strays too far from its like days
        accept.check()
    page.get_by_role("button", name="Publish the offer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Published")
    return kw.split()[0].replace("\u202fkW", "")


def buy(page: Page, kw: str) -> str:
    """Search, quote, terms, confirm; each answer of the seller arrives by itself. Returns the purchase's address."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Catalogue").click()
    page.get_by_label("Direction").select_option("Turn-down")
    page.get_by_role("button", name="Search the network").click()
    page.get_by_role("link", name="Fenland Compute Ltd").first.click(timeout=45_000)
    expect(page.get_by_label("Power in every half hour, in kW")).to_have_value(kw.replace(",", ""))
    page.get_by_label("Power in every half hour, in kW").fill("999999")
    page.get_by_role("button", name="Ask for a quote").click()
    expect(page.get_by_role("alert")).to_contain_text("Ask for less.")
    page.get_by_label("Power in every half hour, in kW").fill(kw.replace(",", ""))
    page.get_by_role("button", name="Ask for a quote").click()
    page.wait_for_url("**/purchases/*")
    mark(page)
    page.get_by_role("button", name="Ask for final terms").click(timeout=45_000)
    page.get_by_role("link", name="Check and confirm").click(timeout=45_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Check before you confirm")
    page.get_by_role("button", name="Confirm the order").click()
    mark(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Confirmed", timeout=45_000)
    assert unmoved(page), "the confirmation must arrive by itself"
    return page.url


def dispatch_and_watch(operator: Page, grid: Page) -> None:
    """The seller has the order open; it becomes Dispatched there and at the buyer's without anybody reloading."""
    operator.goto("/orders")
    operator.get_by_role("group", name="Orders").get_by_role("link").first.click()
    expect(operator.get_by_role("heading", level=1)).to_contain_text("Confirmed")
    mark(operator)
    grid.get_by_role("link", name="Dispatch").click()
    expect(grid.get_by_role("heading", level=1)).to_have_text("Check before you dispatch")
    grid.get_by_role("button", name="Dispatch").click()
    mark(grid)
    expect(grid.get_by_role("heading", level=1)).to_contain_text("Dispatched", timeout=45_000)
    expect(operator.get_by_role("heading", level=1)).to_contain_text("Dispatched", timeout=45_000)
    assert unmoved(grid)
    assert unmoved(operator)


def settle(operator: Page, grid: Page, house: House, purchase: str) -> None:
    """The window passes and the readings come in: statement and payment appear at the seller's, and at the buyer's on asking."""
    end = dispatch_end(house, operator.url)
    house.wait_until_planned("norwich", until=end)
    house.set_clock(end + timedelta(minutes=1))
    house.read_delivery("norwich", until=end)
    mark(operator)
    expect(operator.get_by_role("heading", level=1)).to_contain_text("Settled", timeout=60_000)
    expect(operator.get_by_text("The buyer pays")).to_be_visible()
    expect(operator.locator(".statement .chip-simulated")).to_be_visible()
    assert unmoved(operator)
    paid = operator.locator(".statement .figure-value").first.inner_text()
    grid.goto(purchase)
    expect(grid.get_by_text("You pay")).to_be_visible(timeout=45_000)
    expect(grid.locator(".figure-value").first).to_have_text(paid)


def ask_the_seller(page: Page) -> None:
    """A rating and a question, after all is settled; what is typed meanwhile stays while the answers arrive by themselves."""
    page.get_by_label("Your rating of this order").select_option("4")
    page.get_by_role("button", name="Rate", exact=True).click()
    expect(page.get_by_text("Your rating is on its way to the seller.")).to_be_visible()
    question = page.get_by_label("What is your question about?")
    question.fill("Which meter was read?")
    mark(page)
    expect(page.get_by_text("The seller keeps your rating: 4 of 5.")).to_be_visible(timeout=45_000)
    assert unmoved(page)
    expect(question).to_have_value("Which meter was read?")
    page.get_by_role("button", name="Ask for support").click()
    expect(page.get_by_role("listitem").filter(has_text="ticket")).to_be_visible(timeout=45_000)
    page.get_by_role("button", name="Ask the seller where delivery stands").click()
    expect(page.get_by_role("heading", name="Where delivery stands")).to_contain_text("Inactive", timeout=45_000)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.set_viewport_size({"width": 1280, "height": 800})


def settle_every_run(operator: Page, grid: Page, house: House) -> None:
    """The open order shows each run as it is made, signed differences included; the buyer's page has the last amount."""
    (order,) = house.operator.get("/orders", state="SETTLED")["results"]
    operator.goto(f"/orders/{order['id']}")
    statements = operator.locator(".statement")
    expect(statements).to_have_count(1)
    start = min(row["start_at"] for row in order["periods"])
    read = house.operator.get("/sites/norwich/readings", start=start, end=dispatch_end(house, operator.url).isoformat())
    window = {
        datetime.fromisoformat(row["start_at"].replace("Z", "+00:00")): row["import_wh"] for row in read["results"]
    }
    mark(operator)
    play_runs(
        house.group, house.operator, site="norwich", order=order["id"], window=window, through="RF", seed=7, say=str
    )
    made = house.operator.get(f"/orders/{order['id']}")["activations"][0]["statements"]
    assert {one["run"] for one in made} == set(LATEST)
    expect(statements).to_have_count(
        len(made), timeout=45_000
    )  # with corrections between the runs, if a tick saw them first
    assert unmoved(operator), "every run must arrive by itself"
    amounts = {one["run"]: one["amount_pence"] for one in made}
    assert len({one["delivered_wh"] for one in made}) > 1, "a restatement must move what was delivered"
    pounds = f"£{amounts['RF'] / 100:.2f}"
    last = statements.filter(has_text="Settlement run RF")
    expect(last.locator(".figure-value").first).to_have_text(pounds)
    expect(statements.filter(has_text="Superseded")).to_have_count(len(made) - 1)
    grid.goto("/purchases")
    grid.get_by_role("group", name="Purchases").get_by_role("link").first.click()
    expect(grid.locator(".figure-value").first).to_have_text(pounds, timeout=45_000)


def dispatch_end(house: House, order_page: str) -> datetime:
    """When the dispatch of the order on this page ends, as the installation's API tells it."""
    order = house.operator.get(f"/orders/{order_page.rsplit('/', 1)[1]}")
    starts = [period["start_at"] for period in order["periods"]]
    return max(datetime.fromisoformat(start.replace("Z", "+00:00")) for start in starts) + timedelta(minutes=30)


def verify(page: Page) -> None:
    """The auditor finds the statement in the log and has it checked against the chain."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Ledger").click()
    page.get_by_label("Type").select_option("settlement.statement")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("group", name="Entries").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Log entry")
    page.wait_for_function(
        "async () => (await (await fetch(location.href)).text()).includes('state-good\">Anchored')", timeout=60_000
    )
    page.reload()
    page.get_by_role("button", name="Verify against the chain").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Anchored")
    checks = page.locator(".checks .check")
    expect(checks.first).to_be_visible()
    assert checks.count() >= 3
    expect(page.locator(".checks .state-bad, .checks .state-attention")).to_have_count(0)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
