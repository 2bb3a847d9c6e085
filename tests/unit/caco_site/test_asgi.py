"""One port: each connection goes through its door, and opening the house loads nothing heavy."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from urllib.parse import quote

import pytest

from caco_site import asgi
from tests.style.meter import ROOT

HEAVY = ("torch", "cvxpy", "xgboost", "web3", "eth", "eth_account", "scipy", "pandas", "pyarrow")
RSS_MB = 160


def scope(path="/", method="GET", kind="http", query=b""):
    return {"type": kind, "path": path, "method": method, "query_string": query, "headers": []}


@pytest.fixture
def doors(monkeypatch):
    """Every door replaced by a note of who came through it."""
    came = []

    def door(name):
        async def application(scope, receive, send):
            came.append((name, scope))

        return application

    for name in ("pages", "beckn", "sockets", "refuse"):
        monkeypatch.setattr(asgi, name, door(name))
    return came


@pytest.mark.parametrize(
    ("connection", "door"),
    [
        (scope("/"), "pages"),
        (scope("/api/v1/sites", "POST"), "pages"),
        (scope("/beckn/registry/lookup", "POST"), "pages"),
        (scope("/beckn/bpp/confirm", "POST"), "beckn"),
        (scope("/beckn/bap/on_confirm", "POST"), "beckn"),
        (scope("/beckn/bpp/confirm", "GET"), "beckn"),
        (scope("/bap/caller/select", "POST"), "beckn"),
        (scope("/bpp/receiver/select", "POST"), "beckn"),
        (scope("/bap", "POST"), "pages"),
        (scope("/ws/live", kind="websocket"), "sockets"),
        (scope("/ws/else", kind="websocket"), "refuse"),
        ({"type": "lifespan"}, "beckn"),
    ],
)
def test_each_connection_goes_through_its_door(doors, connection, door):
    asyncio.run(asgi.application(connection, None, None))
    assert [name for name, _ in doors] == [door]


def test_a_query_in_raw_bytes_reaches_django_as_ascii(doors):
    asyncio.run(asgi.application(scope(query="q=é%20x&y=1".encode()), None, None))
    assert doors[0][1]["query_string"] == f"q={quote('é')}%20x&y=1".encode()


def test_an_unknown_socket_is_refused_without_an_error():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(event):
        sent.append(event)

    asyncio.run(asgi.refuse(scope(kind="websocket"), receive, send))
    assert sent[0]["type"] == "websocket.close"


def test_the_web_process_is_light():
    """All of it: the entrance, every address, the message doors. Its memory is printed, and bounded."""
    code = (
        "import re, resource, sys\n"
        "import caco_site.asgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "if sys.platform == 'linux':\n"  # ru_maxrss still knows the size of the process that forked this one; VmHWM does not
        "    peak = int(re.search('VmHWM:\\s+([0-9]+) kB', open('/proc/self/status').read())[1]) // 1024\n"
        "else:\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024)\n"
        f"print(peak, *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    rss, *heavy = done.stdout.split()
    print(f"web process after import: {rss} MB")
    assert heavy == []
    assert int(rss) <= RSS_MB


def test_the_supervisor_loads_no_django():
    code = (
        "import sys, caco_site.supervisor.command; "
        "print(*[m for m in ('django', 'celery', 'redis', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
