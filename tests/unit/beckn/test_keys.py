import base64
import json
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from beckn import keys
from beckn.models import Subscriber


def keygen(capsys) -> str:
    call_command("beckn_keygen")
    return capsys.readouterr().out


@pytest.fixture
def folder(settings, tmp_path):
    settings.BECKN_KEY_DIR = tmp_path / "keys"
    return settings.BECKN_KEY_DIR


@pytest.mark.django_db
def test_keygen_makes_registers_and_then_keeps(folder, settings, capsys):
    first = keygen(capsys)
    assert first.count("made in") == first.count(", registered for") == len(settings.BECKN_PARTICIPANTS) + 1
    held = {role: keys.own(role) for role in (*settings.BECKN_PARTICIPANTS, "registry")}
    assert held["bpp"].public_key != held["bap"].public_key
    for role, signer in held.items():
        path = folder / f"{role}.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert Subscriber.objects.get(subscriber_id=signer.subscriber_id).public_key == signer.public_key
    second = keygen(capsys)
    assert second.count("kept in") == second.count("already registered") == len(held)
    assert {role: keys.own(role) for role in held} == held
    assert json.loads(path.read_text())["seed"] not in first + second


@pytest.mark.django_db
def test_keygen_brings_a_moved_url_up_to_date(folder, settings, capsys):
    keygen(capsys)
    moved = {
        role: one | {"url": f"http://127.0.0.1:9999/beckn/{role}"} for role, one in settings.BECKN_PARTICIPANTS.items()
    }
    settings.BECKN_PARTICIPANTS = moved
    assert keygen(capsys).count(", registered for http://127.0.0.1:9999") == len(moved)
    there = Subscriber.objects.exclude(role="registry")
    assert there.filter(url__contains=":9999/").count() == there.count() == len(moved)


def test_a_missing_key_says_what_to_run(folder):
    with pytest.raises(ImproperlyConfigured, match="beckn_keygen"):
        keys.own("bpp")


@pytest.mark.django_db
@pytest.mark.parametrize("held", ["", "{}", "[]", '{"subscriber_id": "a", "key_id": "b", "seed": "AAAA"}'])
def test_a_spoilt_key_file_is_named_and_never_overwritten(folder, held):
    folder.mkdir()
    (folder / "bpp.json").write_text(held)
    with pytest.raises(ImproperlyConfigured, match=r"bpp\.json"):
        keys.own("bpp")
    with pytest.raises(CommandError, match=r"bpp\.json"):
        call_command("beckn_keygen")
    assert (folder / "bpp.json").read_text() == held


def test_a_key_of_another_participant_is_not_used(folder, settings):
    keys.make("bpp")
    settings.BECKN_PARTICIPANTS = {"bpp": {"subscriber_id": "other.example", "url": "http://x"}}
    with pytest.raises(ImproperlyConfigured, match=r"other\.example"):
        keys.own("bpp")


def test_a_replaced_key_takes_effect_at_once(folder):
    first = keys.make("bpp")
    assert keys.own("bpp").key_id == first.key_id
    keys.path_of("bpp").unlink()
    second = keys.make("bpp")
    assert keys.own("bpp").key_id == second.key_id != first.key_id


@pytest.mark.django_db
def test_a_key_file_from_before_encryption_keys_gets_one(folder, capsys):
    keygen(capsys)
    path = folder / "bpp.json"
    told = json.loads(path.read_text())
    del told["encryption_seed"]
    path.write_text(json.dumps(told))
    assert keys.openers("bpp") == []
    keygen(capsys)
    assert keys.own("bpp").key_id == told["key_id"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    row = Subscriber.objects.get(key_id=told["key_id"])
    assert row.encr_public_key == keys.held("bpp").encr_public_key != ""


def test_a_seed_may_be_written_with_its_public_key_behind_it(folder):
    signer = keys.make("bpp")
    path = folder / "bpp.json"
    told = json.loads(path.read_text())
    both = base64.b64decode(told["seed"]) + base64.b64decode(signer.public_key)
    path.write_text(json.dumps(told | {"seed": base64.b64encode(both).decode()}))
    assert keys.own("bpp").public_key == signer.public_key
