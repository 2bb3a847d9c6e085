"""What an installation may get wrong, and what it is told."""

from __future__ import annotations

import sys
import types

import pytest
from django.core.checks import ERROR, WARNING, run_checks

from caco_site import checks


def ids(found):
    return sorted(one.id for one in found)


@pytest.fixture
def production(settings):
    settings.ENVIRONMENT = "LIVE"
    settings.DEBUG = False
    settings.SECRET_KEY = "a-real-secret-of-this-installation"
    settings.BECKN_ALLOW_PRIVATE_PEERS = False
    settings.PUBLIC_URL = "https://market.example"
    return settings


def test_a_sound_production_has_nothing_to_say(production):
    assert checks.production() == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("DEBUG", True, "caco.E001"),
        ("SECRET_KEY", "not-secret-only-for-commands-before-set-up", "caco.E002"),
        ("BECKN_ALLOW_PRIVATE_PEERS", True, "caco.E003"),
        ("PUBLIC_URL", "http://market.example", "caco.E004"),
    ],
)
@pytest.mark.parametrize(("environment", "level"), [("LIVE", ERROR), ("SANDBOX", WARNING)])
def test_what_is_fine_at_home_is_not_where_orders_bind(production, name, value, number, environment, level):
    production.ENVIRONMENT = environment
    setattr(production, name, value)
    (found,) = checks.production()
    assert (found.id, found.level) == (number, level)
    assert found.hint
    production.ENVIRONMENT = "DEMO"
    assert checks.production() == []


def test_an_environment_nobody_knows_stops_everything(settings):
    settings.ENVIRONMENT = "PROD"
    assert ids(checks.environment()) == ["caco.E005"]


def test_a_key_that_others_can_read_is_named(settings, tmp_path):
    settings.VAR_DIR, settings.CHAIN_KEY_FILE = tmp_path, tmp_path / "keys" / "chain_key"
    key = tmp_path / "keys" / "beckn" / "bpp.json"
    key.parent.mkdir(parents=True)
    key.touch(0o600)
    assert checks.private_keys() == []
    key.chmod(0o640)
    (found,) = checks.private_keys()
    assert str(key) in found.msg
    assert found.hint == f"Run: chmod 600 {key}"


def test_every_action_of_ours_has_a_handler():
    assert checks.handlers() == []


def test_a_missing_handler_is_named(settings, monkeypatch):
    settings.BECKN_HANDLERS = {"bpp": "half", "bap": "nowhere.at.all"}
    actions = dict.fromkeys(checks.ACTIONS["bpp"], lambda message: None)
    del actions["confirm"]
    monkeypatch.setitem(sys.modules, "half", types.SimpleNamespace(ACTIONS=actions))
    found = checks.handlers()
    assert ids(found) == ["caco.E007", "caco.E008"]
    assert any("confirm" in one.msg for one in found)


def test_a_profile_that_does_not_exist_is_named(settings):
    assert checks.profile() == []
    settings.BECKN_PROFILE = "v2"
    assert ids(checks.profile()) == ["caco.E010"]
    assert "'v2'" in checks.profile()[0].msg


def test_a_contract_file_that_names_nothing(settings, tmp_path):
    settings.CHAIN_CONTRACT_FILE = tmp_path / "contract.json"
    assert checks.contract() == []
    settings.CHAIN_CONTRACT_FILE.write_text("{}")
    assert ids(checks.contract()) == ["caco.W009"]
    settings.CHAIN_RPC_URL = "none"
    assert checks.contract() == []


def test_an_adapter_that_is_off_has_nothing_to_say(settings):
    assert checks.adapter() == checks.adapter_secret() == []


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "8.8.8.8", "here"])
def test_a_network_that_is_not_private_is_named(settings, entry):
    settings.BECKN_ADAPTER_NETWORKS = ["127.0.0.0/8", entry]
    (found,) = checks.adapter()
    assert (found.id, entry in found.msg) == ("caco.E011", True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "127.0.0.1:3000", "http://a@b/", "http://[x/", "http://h:99999/"])
def test_an_application_that_cannot_be_called_is_named(settings, url):
    settings.BECKN_APPLICATIONS = {"bap": "http://127.0.0.1:3000/mine", "bpp": url}
    (found,) = checks.adapter()
    assert (found.id, "BECKN_BPP_APPLICATION" in found.msg) == ("caco.E012", True)


@pytest.mark.parametrize(("secret", "warned"), [("", True), ("tiny-word", True), ("s" * 24, False)])
def test_an_open_adapter_without_a_long_secret_is_warned_of_at_deployment(settings, secret, warned):
    settings.BECKN_ADAPTER, settings.BECKN_ADAPTER_SECRET = True, secret
    deploying = run_checks(include_deployment_checks=True)
    assert ("caco.W013" in ids(deploying)) is warned
    assert "caco.W013" not in ids(run_checks())
    assert not secret or all(secret not in one.msg for one in deploying if one.id == "caco.W013")
