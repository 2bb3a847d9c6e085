"""What can be wrong with an installation before it starts, each with a hint. Run by every manage.py command and the worker."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from beckn import egress
from beckn.adapter import admission
from beckn.wire import actions
from beckn.wire.profile import PROFILES
from marketplace.ledger.deployment import deployment
from marketplace.ledger.onchain import NoContractError

PLACEHOLDER = "not-secret"
# Every request and callback that a handler module of the role must answer to; what is answered at once has no handler.
ACTIONS = {
    role: tuple(
        name for name, one in actions.ACTIONS.items() if role in one.receivers and (one.answer or one.is_callback)
    )
    for role in ("bpp", "bap", "ds")
}


@register(Tags.security)
def production(**_: Any) -> list[CheckMessage]:
    """What is fine at home and not where orders bind."""
    if settings.ENVIRONMENT == "DEMO":
        return []
    found: list[CheckMessage] = []
    for wrong, number, words, hint in (
        (settings.DEBUG, 1, "CACO_DEBUG is on", "Unset it: error pages would show settings and code."),
        (settings.SECRET_KEY.startswith(PLACEHOLDER), 2, "There is no secret key", "Set CACO_SECRET_KEY."),
        (
            settings.BECKN_ALLOW_PRIVATE_PEERS,
            3,
            "Beckn peers on private addresses are allowed",
            "Set BECKN_ALLOW_PRIVATE_PEERS=false: a registry entry could point into your own network.",
        ),
        (
            not settings.PUBLIC_URL.startswith("https://"),
            4,
            f"CACO_PUBLIC_URL is {settings.PUBLIC_URL}",
            "Give the https address that others reach: session cookies are only then kept off plain connections.",
        ),
    ):
        if wrong:
            kind = Error if settings.ENVIRONMENT == "LIVE" else checks.Warning
            found.append(kind(f"{words} in environment {settings.ENVIRONMENT}.", hint=hint, id=f"caco.E00{number}"))
    return found


@register(Tags.security)
def environment(**_: Any) -> list[CheckMessage]:
    """The environment's name is shown on every page and decides what is allowed, so it must be one we know."""
    if settings.ENVIRONMENT in {"DEMO", "SANDBOX", "LIVE"}:
        return []
    return [
        Error(f"CACO_ENVIRONMENT is {settings.ENVIRONMENT!r}.", hint="Write DEMO, SANDBOX or LIVE.", id="caco.E005")
    ]


@register(Tags.security)
def private_keys(**_: Any) -> list[CheckMessage]:
    """Keys that other accounts of the machine can read."""
    folder = Path(settings.VAR_DIR) / "keys"
    files = {*folder.rglob("*"), Path(settings.CHAIN_KEY_FILE)} if folder.exists() else set()
    return [
        Error(f"{file} can be read by other accounts.", hint=f"Run: chmod 600 {file}", id="caco.E006")
        for file in sorted(files)
        if file.is_file() and file.stat().st_mode & 0o077
    ]


@register(Tags.compatibility)
def adapter(**_: Any) -> list[CheckMessage]:
    """What the adapter is told must mean something: a network that is none admits nobody, an address that is none is no use."""
    hint = "Write private networks like 127.0.0.0/8 or 10.1.2.0/24, separated by commas."
    found: list[CheckMessage] = [
        Error(f"BECKN_ADAPTER_NETWORKS names {text!r}, which is no private network.", hint=hint, id="caco.E011")
        for text in admission.problems()
    ]
    for role, url in settings.BECKN_APPLICATIONS.items():
        try:
            if url:
                egress.check_application(url)
        except egress.EgressError as problem:
            name = f"BECKN_{role.upper()}_APPLICATION"
            found.append(Error(f"{name}: {problem}.", hint="Write it like http://127.0.0.1:3000/path.", id="caco.E012"))
    return found


@register(Tags.security, deploy=True)
def adapter_secret(**_: Any) -> list[CheckMessage]:
    """Whoever may use the adapter's unsigned side speaks in our name, so an address alone should not be enough."""
    if not settings.BECKN_ADAPTER or len(settings.BECKN_ADAPTER_SECRET) >= admission.SHORTEST_SECRET:
        return []
    words = "is shorter than" if settings.BECKN_ADAPTER_SECRET else "is empty; it should have"
    return [
        checks.Warning(
            f"BECKN_ADAPTER is on, and BECKN_ADAPTER_SECRET {words} {admission.SHORTEST_SECRET} characters.",
            hint="Set it to the output of: openssl rand -base64 32. A proxy on this machine would count as a near address.",
            id="caco.W013",
        )
    ]


@register(Tags.compatibility)
def handlers(**_: Any) -> list[CheckMessage]:
    """Every action of a role has a handler, so that no message is acknowledged and then met with silence."""
    found: list[CheckMessage] = []
    for role, name in settings.BECKN_HANDLERS.items():
        try:
            served = import_module(name).ACTIONS
        except (ImportError, AttributeError) as problem:
            hint = f"settings.BECKN_HANDLERS[{role!r}] must name a module with ACTIONS (beckn/ports.py)."
            found.append(Error(f"{name} gives no Beckn handlers: {problem}.", hint=hint, id="caco.E007"))
            continue
        missing = [action for action in ACTIONS[role] if not callable(served.get(action))]
        if missing:
            hint = "Add a function for each to its ACTIONS."
            found.append(Error(f"{name} has no handler for {', '.join(missing)}.", hint=hint, id="caco.E008"))
    return found


@register(Tags.compatibility)
def profile(**_: Any) -> list[CheckMessage]:
    """The profile of peers for whom none is written must be one there is."""
    if settings.BECKN_PROFILE in PROFILES:
        return []
    hint = f"Set it to one of {', '.join(PROFILES)}."
    return [Error(f"BECKN_PROFILE is {settings.BECKN_PROFILE!r}.", hint=hint, id="caco.E010")]


@register(Tags.compatibility)
def contract(**_: Any) -> list[CheckMessage]:
    """contract.json must be readable, or anchoring stands still."""
    if settings.CHAIN_RPC_URL == "none" or not Path(settings.CHAIN_CONTRACT_FILE).exists():
        return []
    try:
        deployment()
    except NoContractError as problem:
        hint = "manage.py audit_deploy writes the file anew."
        return [checks.Warning(f"{problem}.", hint=hint, id="caco.W009")]
    return []
