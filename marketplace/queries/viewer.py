"""Who is looking: the person, the organisation they act for, and what their role lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketplace.models import Membership, Organisation, User
from marketplace.rules.roles import Action, may

PLATFORM = "PLATFORM"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person acting for one organisation. `kind` decides their home and their menu."""

    email: str
    organisation: Organisation | None
    kind: str
    role: str
    others: tuple[Organisation, ...] = ()

    @property
    def may(self) -> dict[str, bool]:
        """What the role allows, by action name, so that pages show only what will work."""
        return {action.name: may(self.role, action) for action in Action}

    @property
    def role_name(self) -> str:
        """The role in plain words."""
        return Membership.Role(self.role).label if self.role in Membership.Role.values else ""

    @property
    def kind_name(self) -> str:
        """The kind of organisation in plain words."""
        return Organisation.Kind(self.kind).label if self.kind in Organisation.Kind.values else "Platform administrator"


def viewer_of(user: User, *, wanted: Any = None) -> Viewer:
    """`user` acting for the organisation whose slug is `wanted`, or for the first one they belong to."""
    memberships = list(
        Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name")
    )
    if not memberships:
        role = Membership.Role.ADMIN.value if user.is_superuser else ""
        return Viewer(user.email, None, PLATFORM, role)
    chosen = next((m for m in memberships if m.organisation.slug == wanted), memberships[0])
    return Viewer(
        email=user.email,
        organisation=chosen.organisation,
        kind=chosen.organisation.kind,
        role=Membership.Role.ADMIN.value if user.is_superuser else chosen.role,
        others=tuple(m.organisation for m in memberships if m.pk != chosen.pk),
    )
