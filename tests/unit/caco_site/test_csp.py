"""Pages may load nothing from elsewhere and nothing inline."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from caco_site.csp import HEADER, ContentSecurityPolicy, written


@pytest.mark.django_db
def test_every_answer_carries_the_policy(client):
    for path in ("/health/live", "/static/js/live.js", "/no-such-page"):
        answer = client.get(path)
        answer.close()
        policy = answer.headers[HEADER]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy


def test_a_stricter_policy_of_a_view_is_kept():
    answer = HttpResponse(headers={HEADER: "default-src 'none'"})
    middleware = ContentSecurityPolicy(lambda _: answer)
    assert middleware(RequestFactory().get("/")).headers[HEADER] == "default-src 'none'"


def test_the_text_is_one_directive_after_the_other():
    assert written({"default-src": "'self'", "img-src": "'self' data:"}) == "default-src 'self'; img-src 'self' data:"


def test_no_template_needs_what_the_policy_forbids():
    forbidden = re.compile(r"""<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:|//cdn""", re.IGNORECASE)
    found = [
        f"{path.relative_to(settings.BASE_DIR)}: {match.group()}"
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for match in forbidden.finditer(path.read_text())
    ]
    assert found == []
