"""The demonstration's three organisations, their people, sites and tokens. Every call is safe to repeat."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction

from marketplace.models import ApiToken, Membership, MsidPair, Organisation, Site, User
from marketplace.rules.meters import check_msid

ORGANISATIONS = {
    "fenland": ("Fenland Compute Ltd", Organisation.Kind.OPERATOR, "operator@demo.caco.example", Membership.Role.ADMIN),
    "eastern-grid": ("Eastern Grid DSO", Organisation.Kind.GRID, "grid@demo.caco.example", Membership.Role.ADMIN),
    "proof-and-co": (
        "Proof & Co Auditors",
        Organisation.Kind.AUDITOR,
        "auditor@demo.caco.example",
        Membership.Role.AUDITOR,
    ),
}
SITES = {
    "norwich": (
        "Norwich DC1",
        Decimal(2000),
        Decimal(300),
        "NORM_1",
        "EPN",
        Decimal("52.63090"),
        Decimal("1.29740"),
        "1010000000019",
    ),
    "cambridge": (
        "Cambridge Lab",
        Decimal(600),
        Decimal(80),
        "CAMB_1",
        "EPN",
        Decimal("52.20530"),
        Decimal("0.12180"),
        "1010000000028",
    ),
}


@dataclass(frozen=True, slots=True)
class Login:
    """Who can sign in, and with what. The password is made once per installation and kept in VAR/demo_password."""

    organisation: str
    kind: str
    email: str
    password: str


def ensure_parties(*, now: datetime) -> list[Login]:
    """Create what is missing of organisations, people and sites; returns the logins."""
    password = demo_password()
    logins = []
    with transaction.atomic():
        for slug, (name, kind, email, role) in ORGANISATIONS.items():
            subscriber = settings.BECKN_PARTICIPANTS["bap" if kind == Organisation.Kind.GRID else "bpp"][
                "subscriber_id"
            ]
            organisation, _ = Organisation.objects.get_or_create(
                slug=slug,
                defaults={
                    "name": name,
                    "kind": kind,
                    "is_demo": True,
                    "created_at": now,
                    "beckn_subscriber_id": "" if kind == Organisation.Kind.AUDITOR else subscriber,
                },
            )
            user = User.objects.filter(email=email).first() or User.objects.create_user(email, password)
            Membership.objects.get_or_create(user=user, organisation=organisation, defaults={"role": role})
            logins.append(Login(name, organisation.get_kind_display(), email, password))
        for slug in SITES:
            ensure_site(slug, now=now)
    return logins


def ensure_site(
    slug: str, *, now: datetime, import_limit_kw: Decimal | None = None, kw_per_cpu: Decimal | None = None
) -> Site:
    """The demonstration site `slug`, created if missing."""
    name, limit, must_run, zone, area, latitude, longitude, msid = SITES[slug]
    check_msid(msid)
    site, made = Site.objects.get_or_create(
        slug=slug,
        defaults={
            "organisation": Organisation.objects.get(slug="fenland"),
            "name": name,
            "import_limit_kw": import_limit_kw or limit,
            "must_run_kw": must_run,
            "pue": Decimal("1.25"),
            "kw_per_cpu": kw_per_cpu or Decimal("0.0150"),
            "kw_per_gpu": Decimal("0.4000"),
            "carbon_price_gbp_per_tonne": Decimal(60),
            "gsp_zone": zone,
            "licence_area": area,
            "latitude": latitude,
            "longitude": longitude,
            "msid": msid,
            "created_at": now,
        },
    )
    if made:
        MsidPair.objects.create(site=site, import_msid=msid, gsp_group=site.gsp_group, effective_from=now.date())
    return site


def demo_password() -> str:
    """The demonstration logins' password: random per installation, readable by its owner only."""
    path = Path(settings.VAR_DIR) / "demo_password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text().strip()


def make_token(organisation_slug: str, *, scopes: list[str], hours: int = 2) -> str:
    """A short-lived API token of the organisation's demonstration user."""
    email = ORGANISATIONS[organisation_slug][2]
    token, secret = ApiToken.objects.create(user=User.objects.get(email=email), expiry=timedelta(hours=hours))
    token.organisation = Organisation.objects.get(slug=organisation_slug)
    token.name, token.scopes = "demonstration", scopes
    token.save(update_fields=["organisation", "name", "scopes"])
    return secret
