"""Every role at its own door: one sale from queue to proof, keyboard, phone, both themes, no scripts, no server.

One file on purpose: everything here walks through one installation, which is started once a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, WebSocketRoute, expect

from marketplace.management.sale import upload_jobs, wait_for_plan
from tests.browser import sale
from tests.browser.house import EMAILS, MORNING, House

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
HOMES = {"operator": "Fenland Compute Ltd now", "grid": "Eastern Grid DSO now", "auditor": "The log now"}
PAGES = {
    "operator": ["/", "/sites", "/sites/cambridge", "/sites/cambridge/queue", "/sites/cambridge/schedule", "/sites/cambridge/flexibility",
                 "/offers", "/orders", "/ledger", "/operations", "/operations/messages"],
    "grid": ["/", "/catalogue", "/purchases", "/ledger", "/operations"],
    "auditor": ["/", "/ledger", "/orders", "/operations"],
}  # fmt: skip


@pytest.mark.parametrize("role", list(HOMES))
def test_each_role_lands_on_its_own_home_and_every_page_of_its_menu_opens(
    sign_in: Callable[..., Page], role: str
) -> None:
    page = sign_in(role, fresh=True)
    expect(page.get_by_role("heading", level=1)).to_have_text(HOMES[role])
    menu = page.get_by_role("navigation", name="Main").get_by_role("link")
    for name in menu.all_inner_texts():
        menu.filter(has_text=re.compile(f"^{name}$")).click()
        expect(page.locator('.rail a[aria-current="page"]')).to_have_text(name)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))


def test_a_sale_from_queue_to_proof(house: House, sign_in: Callable[..., Page]) -> None:
    operator, grid, auditor = sign_in("operator"), sign_in("grid"), sign_in("auditor")
    sale.upload_and_review(operator)
    sale.see_the_schedule(operator, house)
    kw = sale.draft_and_publish(operator)
    purchase = sale.buy(grid, kw)
    sale.dispatch_and_watch(operator, grid)
    sale.settle(operator, grid, house, purchase)
    sale.ask_the_seller(grid)
    sale.verify(auditor)


def test_a_wrong_password_keeps_the_address_and_moves_focus_to_the_problem(
    window: Callable[..., BrowserContext],
) -> None:
    page = window().new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(EMAILS["grid"])
    page.get_by_label("Password").fill("not it")
    page.keyboard.press("Enter")
    problem = page.get_by_role("alert")
    expect(problem).to_be_focused()
    expect(problem).to_contain_text("The e-mail address or the password is not right.")
    expect(page.get_by_label("E-mail address")).to_have_value(EMAILS["grid"])
    problem.get_by_role("link").click()
    expect(page.get_by_label("E-mail address")).to_be_focused()


def test_the_keyboard_reaches_the_content_first_and_every_stop_shows_where_one_is(sign_in: Callable[..., Page]) -> None:
    page = sign_in("operator")
    page.goto("/sites/cambridge/queue")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
        )
        assert ring == "solid3px", page.evaluate("document.activeElement.outerHTML")


def test_the_theme_is_the_systems_until_one_chooses_and_then_stays(sign_in: Callable[..., Page]) -> None:
    page = sign_in("operator", color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.get_by_role("button", name="Light theme").click()
    light = page.evaluate(paper)
    assert dark != light
    page.goto("/offers")
    assert page.evaluate(paper) == light
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()


@pytest.mark.parametrize("role", list(PAGES))
def test_a_phone_shows_every_page_without_sideways_scrolling(sign_in: Callable[..., Page], role: str) -> None:
    page = sign_in(role, viewport={"width": 360, "height": 740}, has_touch=True)
    for path in PAGES[role]:
        page.goto(path)
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, path
    page.get_by_text("Menu", exact=True).click()
    expect(page.get_by_role("navigation", name="Menu").get_by_role("link", name="Ledger")).to_be_visible()
    expect(page.get_by_role("navigation", name="Quick").get_by_role("link")).to_have_count(4)
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, input, select")]
            .filter((e) => e.checkVisibility() && !e.closest("p, td, dd, li"))
            .map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
            .filter(([, box]) => box.height && box.height < 24).map(([html]) => html)"""
    )
    assert small == [], "targets under 24 pixels (WCAG 2.5.8)"


def test_without_scripts_one_can_still_read_upload_and_search(
    window: Callable[..., BrowserContext], house: House
) -> None:
    page = window(java_script_enabled=False).new_page()
    enter(page, "operator", house)
    page.goto("/sites/cambridge/queue")
    page.get_by_label("Or paste rows").fill(
        "id,arrival,deadline,duration,power_kw\nplain-1,2026-11-16T09:00Z,2026-11-17T09:00Z,1:00,90\n"
    )
    page.get_by_role("button", name="Upload and review").click()
    for _ in range(60):
        if page.get_by_role("button", name="Import 1 job").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    page.get_by_role("button", name="Import 1 job").click()
    expect(page.get_by_role("status").filter(has_text="1 job is in the queue.")).to_be_visible()
    expect(page.get_by_role("region", name="Jobs")).to_contain_text("plain-1")
    page.goto("/sites/cambridge/schedule")
    expect(page.get_by_role("heading", level=1)).to_contain_text("schedule")
    buyer = window(java_script_enabled=False).new_page()
    enter(buyer, "grid", house)
    buyer.goto("/catalogue")
    buyer.get_by_role("button", name="Search the network").click()
    for _ in range(180):
        if not buyer.get_by_text("Waiting for the sellers.").count():
            break
        buyer.wait_for_timeout(250)
        buyer.get_by_role("link", name="reload").click()
    expect(buyer.get_by_text(re.compile("cheapest first|Nothing on sale fits"))).to_be_visible()


def enter(page: Page, role: str, house: House) -> None:
    """Sign in on a page that runs no scripts."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(EMAILS[role])
    page.get_by_label("Password").fill(house.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("now")


def test_a_page_that_hears_nothing_says_so_and_recovers(sign_in: Callable[..., Page]) -> None:
    """No socket and no poll for a minute: the grey line says since when, and goes away when the server is back."""
    page = sign_in("operator", expects="htmx:|ERR_FAILED|WebSocket")
    page.route_web_socket("**/ws/live", lambda socket: socket.close())
    page.clock.install()
    page.goto("/operations")
    expect(page.get_by_text("Not connected.")).to_be_hidden()
    page.route("**/*", lambda route: route.abort())
    page.clock.fast_forward(75_000)
    expect(page.get_by_text("Not connected. Last update")).to_be_visible()
    page.unroute_all()
    page.clock.fast_forward(31_000)
    expect(page.get_by_text("Not connected.")).to_be_hidden()


def add_job(house: House, name: str) -> None:
    """One more job in the queue of the site that these tests share."""
    row = f"id,arrival,deadline,duration,power_kw\n{name},2026-11-16T09:00Z,2026-11-17T09:00Z,1:00,90\n"
    upload_jobs(
        house.operator, site="cambridge", filename="one.csv", content=row.encode(), slack_hours=1, epoch=MORNING
    )


def open_jobs(page: Page) -> Locator:
    """The number of open jobs on a site's overview."""
    return page.locator(".figure").filter(has_text="Open jobs").locator(".figure-value")


def test_what_changed_before_the_socket_listened_is_not_missed(sign_in: Callable[..., Page], house: House) -> None:
    """A page is made, then something changes, and only then the page's socket is there to hear of changes."""
    page = sign_in("operator")

    def late(socket: WebSocketRoute) -> None:
        add_job(house, "before-the-socket")
        socket.connect_to_server()

    page.route_web_socket("**/ws/live", late)
    page.goto("/sites/cambridge")
    before = int(open_jobs(page).inner_text())
    expect(open_jobs(page)).to_have_text(str(before + 1))


def test_what_changed_while_a_part_was_being_fetched_is_not_missed(sign_in: Callable[..., Page], house: House) -> None:
    """The answer on its way is older than the change that is told meanwhile; the part must be fetched once more."""
    page = sign_in("operator")
    page.goto("/sites/cambridge")
    page.wait_for_timeout(1_000)  # the socket listens and has caught up
    before = int(open_jobs(page).inner_text())
    held: list[str] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        if not held:
            held.append(route.request.url)
            plan = house.operator.get("/sites/cambridge/plan").get("id")
            add_job(house, "during-the-fetch")
            wait_for_plan(house.operator, site="cambridge", after=plan)
            page.wait_for_timeout(1_500)  # the last word about it has been said; only this answer is still on its way
        route.fulfill(response=answer)

    page.route("**/sites/cambridge", hold)
    page.evaluate("htmx.trigger(document.body, 'caco-poll')")
    expect(open_jobs(page)).to_have_text(str(before + 1))
    assert held


def test_a_session_that_ended_is_said_and_nothing_on_the_page_is_lost(sign_in: Callable[..., Page]) -> None:
    page = sign_in("auditor", fresh=True, expects="Status Error Code 401|WebSocket")
    page.clock.install()
    page.goto("/")
    page.context.clear_cookies()
    page.evaluate("htmx.trigger(document.body, 'caco-poll')")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_role("heading", name="Latest settlement statements")).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/$"))


def test_the_sale_is_settled_up_to_its_last_run(house: House, sign_in: Callable[..., Page]) -> None:
    """Last in this file, for the market is then a year on: each run supersedes the one before, and the money follows."""
    operator, grid = sign_in("operator"), sign_in("grid")
    sale.settle_every_run(operator, grid, house)
