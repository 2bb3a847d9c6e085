"""The application, the vocabulary and the schemas name the same actions."""

from django.conf import settings

from beckn import ports
from beckn.wire import schema
from beckn.wire.actions import ACTIONS, known


def served() -> dict[str, set[str]]:
    return {role: set(ports.handlers(role)) for role in settings.BECKN_HANDLERS}


def test_every_action_with_a_handler_is_known_received_by_that_role_and_described():
    for role, actions in served().items():
        for action in actions:
            assert known(action, role) is not None, action
            assert action in schema.ACTIONS, action


def test_every_described_action_has_a_handler():
    answered_at_once = {name for name, action in ACTIONS.items() if not action.answer and not action.is_callback}
    assert set().union(*served().values()) == schema.ACTIONS - answered_at_once


def test_every_request_we_serve_has_its_callback_handled_too():
    owed = {ACTIONS[name].answer for actions in served().values() for name in actions if not ACTIONS[name].is_callback}
    assert owed == {name for actions in served().values() for name in actions if ACTIONS[name].is_callback}


def test_an_action_is_known_to_the_role_that_receives_it_only():
    assert known("confirm", "bpp") == ACTIONS["confirm"]
    assert known("confirm", "bap") is None
    assert known("on_confirm", "bpp") is None
    assert known("search", "bpp") is None


def test_the_buyers_side_wants_to_know_what_is_undeliverable():
    assert ports.undeliverable("bap") is not None
    assert ports.undeliverable("bpp") is None
