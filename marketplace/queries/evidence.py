"""What somebody may see in an evidence pack.

Entries and messages are those they may read anyway. The readings behind a statement are shown to the site's own people, and
to auditors, who cannot work the money out without them; a buyer is shown the statement, which tells baseline and meter of
each half hour that was dispatched.
"""

from __future__ import annotations

from beckn.models import InboxMessage, OutboxMessage
from marketplace.ledger.evidence_scope import Sight
from marketplace.models import LedgerEntry, Organisation, Site, User
from marketplace.queries.visible import is_auditor, own_organisations, visible


def everything() -> Sight:
    """All that the installation holds, for whoever runs it."""
    return Sight(
        entries=LedgerEntry.objects.all(),
        sites=Site.objects.all(),
        received=InboxMessage.objects.all(),
        sent=OutboxMessage.objects.all(),
        everything=True,
    )


def sight_of(user: User) -> Sight:
    """What `user` may see."""
    own = list(Organisation.objects.filter(**own_organisations("", user)).order_by("pk").distinct())
    auditor = is_auditor(user)
    return Sight(
        entries=visible(LedgerEntry, user),
        sites=Site.objects.all() if auditor else visible(Site, user),
        received=visible(InboxMessage, user),
        sent=visible(OutboxMessage, user),
        everything=auditor or (user.is_superuser and user.acting_for is None),
        complete_for=[one.pk for one in own],
        organisation=own[0] if len(own) == 1 else None,
    )
