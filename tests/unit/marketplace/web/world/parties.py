"""Organisations and people of the world under test."""

from __future__ import annotations

from datetime import timedelta

from marketplace.models import (
    Membership,
    Organisation,
    User,
)
from tests.unit.marketplace.web.world.moment import NOW

PASSWORD = "a long password for tests"


def organisation(name: str, kind: str) -> Organisation:
    slug = name.lower().replace(" ", "-")
    return Organisation.objects.create(
        name=name, slug=slug, kind=kind, is_demo=True, created_at=NOW - timedelta(days=90)
    )


def person(email: str, member_of: Organisation, role: str) -> User:
    user = User(email=email)
    # The cheap hasher of the tests' own settings is not set here, so one hash is made and shared.
    user.password = hashed()
    user.save()
    Membership.objects.create(user=user, organisation=member_of, role=role)
    return user


_HASH: list[str] = []


def hashed() -> str:
    if not _HASH:
        maker = User()
        maker.set_password(PASSWORD)
        _HASH.append(maker.password)
    return _HASH[0]
