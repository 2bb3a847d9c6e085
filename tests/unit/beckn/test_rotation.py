"""Replacing a key: what signs, what verifies, and what an interruption leaves behind."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from beckn import keys, registry, rotation
from beckn.models import Subscriber

WEEK = timedelta(days=7)


def verifies(signer, *, after: timedelta) -> bool:
    try:
        registry.lookup(signer.subscriber_id, signer.key_id, now=timezone.now() + after)
    except registry.WireError:
        return False
    return True


def test_the_new_key_signs_and_the_old_one_verifies_until_its_end(installed, capsys):
    old = keys.own("bpp")
    call_command("beckn_rotate", "--role", "bpp", "--overlap", "7d")
    new = keys.own("bpp")
    assert new.key_id != old.key_id
    assert verifies(new, after=WEEK * 2)
    assert verifies(old, after=WEEK - timedelta(minutes=1))
    assert not verifies(old, after=WEEK)
    assert not keys.next_path_of("bpp").exists()
    assert stat.S_IMODE(keys.path_of("bpp").stat().st_mode) == 0o600
    assert f"{new.key_id} signs from now; {old.key_id} verifies until" in capsys.readouterr().out
    assert keys.own("bap").key_id == Subscriber.objects.get(role="bap").key_id


def test_every_participant_is_rotated_unless_one_is_named(installed, settings):
    before = {role: keys.own(role).key_id for role in settings.BECKN_PARTICIPANTS}
    call_command("beckn_rotate", "--overlap", "1h")
    assert all(keys.own(role).key_id != key_id for role, key_id in before.items())
    registrys = keys.own("registry").key_id
    call_command("beckn_rotate", "--role", "registry")
    assert keys.own("registry").key_id != registrys


def test_peers_are_told_the_address_with_the_new_key(installed):
    rotation.rotate("bpp", overlap=WEEK, wait_s=0)
    found = registry.peer("market.caco.local", role="bpp", now=timezone.now())
    assert found.key_id == keys.own("bpp").key_id
    assert Subscriber.objects.get(key_id=found.key_id).encr_public_key == keys.held("bpp").encr_public_key


@pytest.mark.parametrize("step", ["enter", "promote_next", "end_others"])
def test_an_interrupted_rotation_goes_on_where_it_stood(installed, monkeypatch, step):
    old = keys.own("bpp")
    room = keys if step == "promote_next" else rotation

    def killed(*args, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate("bpp", overlap=WEEK, wait_s=0)
    assert verifies(keys.own("bpp"), after=timedelta(0))  # whatever signs now is known
    done = rotation.rotate("bpp", overlap=WEEK, wait_s=0)
    assert verifies(keys.own("bpp"), after=WEEK * 2)
    assert not verifies(old, after=WEEK + timedelta(minutes=1))
    assert done.new_key_id == keys.own("bpp").key_id


def test_without_the_other_registrys_word_the_old_key_goes_on(installed, settings):
    settings.BECKN_REGISTRY_URL = "http://127.0.0.1:9/registry"
    old = keys.own("bpp")
    with pytest.raises(CommandError, match="could not be asked"):
        call_command("beckn_rotate", "--role", "bpp", "--wait", "0")
    assert keys.own("bpp").key_id == old.key_id
    assert verifies(old, after=WEEK * 2)


@pytest.mark.parametrize("text", ["7", "d", "7w", "-1d", "1.5h"])
def test_a_length_that_is_none_is_named(installed, text):
    with pytest.raises(CommandError, match="such as 7d"):
        call_command("beckn_rotate", f"--overlap={text}")
