"""Mark accepted activations as in progress once their window has begun."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace import events, notify
from marketplace.models import Activation
from marketplace.rules.order_state import ActivationState, check_activation_step


def start_activations(*, now: datetime) -> int:
    """Start every accepted activation whose window has begun; returns how many."""
    due = Activation.objects.filter(state=ActivationState.ACCEPTED, start_at__lte=now).values_list("pk", flat=True)
    for pk in list(due):
        with transaction.atomic():
            activation = (
                Activation.objects.select_for_update(of=("self",))
                .select_related("order__offer__site__organisation")
                .get(pk=pk)
            )
            if activation.state != ActivationState.ACCEPTED:
                continue
            check_activation_step(ActivationState(activation.state), ActivationState.IN_PROGRESS)
            activation.state = ActivationState.IN_PROGRESS
            activation.save(update_fields=["state"])
            organisation = activation.order.offer.site.organisation
            events.append(
                type="activation.started",
                subject=f"activation:{activation.pk}",
                payload={"order": str(activation.order_id), "instruction": activation.instruction_id},
                organisations=[organisation],
                now=now,
            )
            notify.changed(f"order:{activation.order_id}", f"orders:{organisation.slug}")
    return len(due)
