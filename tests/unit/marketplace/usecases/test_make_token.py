from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from marketplace.models import ApiToken, Event, Membership, Organisation, User
from marketplace.rules.errors import MarketError
from marketplace.usecases.make_token import make_token, public_id
from marketplace.usecases.revoke_token import revoke_token

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def organisation() -> Organisation:
    return Organisation.objects.create(name="Aire Valley", slug="aire", kind="OPERATOR", created_at=NOW)


@pytest.fixture
def user(organisation: Organisation) -> User:
    person = User.objects.create_user("p@aire.example")
    Membership.objects.create(user=person, organisation=organisation, role="VIEWER")
    return person


def test_a_token_lives_in_real_time_and_stands_in_the_log(user: User, organisation: Organisation) -> None:
    token, secret = make_token(
        user=user, organisation=organisation, name="n", scopes=["sites:read", "sites:read"], life=DAY, now=NOW
    )
    assert token.scopes == ["sites:read"]
    assert abs(token.expiry - timezone.now() - DAY) < timedelta(minutes=1)
    event = Event.objects.get(type="token.made")
    assert (event.subject, event.at) == (f"token:{public_id(token)}", NOW)
    assert secret not in bytes(event.payload).decode()
    assert user.email not in bytes(event.payload).decode()


@pytest.mark.parametrize(
    ("scopes", "life", "code"),
    [
        ([], DAY, "BAD_SCOPE"),
        (["sites:delete"], DAY, "BAD_SCOPE"),
        (["sites:read"], timedelta(0), "BAD_TOKEN"),
        (["sites:read"], timedelta(days=91), "BAD_TOKEN"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    user: User, organisation: Organisation, scopes: list[str], life: timedelta, code: str
) -> None:
    with pytest.raises(MarketError) as refused:
        make_token(user=user, organisation=organisation, name="n", scopes=scopes, life=life, now=NOW)
    assert refused.value.code == code
    assert not ApiToken.objects.exists()
    assert not Event.objects.exists()


def test_a_stranger_makes_no_token_for_an_organisation(user: User) -> None:
    other = Organisation.objects.create(name="Mersey", slug="mersey", kind="OPERATOR", created_at=NOW)
    with pytest.raises(MarketError) as refused:
        make_token(user=user, organisation=other, name="n", scopes=["sites:read"], life=DAY, now=NOW)
    assert refused.value.code == "NOT_ALLOWED"


def test_a_token_made_with_another_is_no_larger(user: User, organisation: Organisation) -> None:
    first, _ = make_token(
        user=user, organisation=organisation, name="a", scopes=["sites:read", "tokens:write"], life=DAY, now=NOW
    )
    second, _ = make_token(
        user=user, organisation=organisation, name="b", scopes=["sites:read"], life=30 * DAY, within=first, now=NOW
    )
    assert ApiToken.objects.get(pk=second.pk).expiry == first.expiry
    with pytest.raises(MarketError) as refused:
        make_token(
            user=user, organisation=organisation, name="c", scopes=["uploads:write"], life=DAY, within=first, now=NOW
        )
    assert refused.value.code == "NOT_ALLOWED"


def test_revoking_deletes_the_token_and_says_so(user: User, organisation: Organisation) -> None:
    token, _ = make_token(user=user, organisation=organisation, name="n", scopes=["sites:read"], life=DAY, now=NOW)
    name = public_id(token)
    revoke_token(token=token, now=NOW)
    assert not ApiToken.objects.exists()
    assert list(Event.objects.get(subject=f"token:{name}", type="token.revoked").organisations.all()) == [organisation]
