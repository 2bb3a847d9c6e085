"""The contract is looked for on a real HTTP server that plays a chain; each thing that can be wrong has its sentence."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from caco_site.contract_state import NotDeployedError, chain_of_contract

ADDRESS = "0x268ACF56767130355d3f9C5E34d7B5b49f27291D"


@pytest.fixture
def chain():
    """A server that answers JSON-RPC with what `chain.answers` holds."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **server.answers[asked["method"]]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.answers = {"eth_chainId": {"result": "0x2a"}, "eth_getCode": {"result": "0x6080"}}
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "contract.json"
    path.write_text(json.dumps({"chain_id": 42, "address": ADDRESS, "code_hash": "0x"}))
    return path


def test_a_contract_that_stands_is_found(chain, file):
    assert chain_of_contract(chain.url, file) == 42


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"eth_chainId": {"result": "0x2b"}}, "the contract is on chain 42, this is chain 43"),
        ({"eth_getCode": {"result": "0x"}}, "not on this chain; run manage.py audit_deploy"),
        ({"eth_chainId": {"error": {"code": -32601}}}, r"the chain does not answer \(KeyError\)"),
        ({"eth_chainId": {"result": "many"}}, r"the chain does not answer \(ValueError\)"),
    ],
)
def test_what_is_wrong_is_said(chain, file, answers, sentence):
    chain.answers |= answers
    with pytest.raises(NotDeployedError, match=sentence):
        chain_of_contract(chain.url, file)


def test_nobody_there(file, free_port):
    with pytest.raises(NotDeployedError, match="does not answer"):
        chain_of_contract(f"http://127.0.0.1:{free_port()}", file)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"chain_id": "x", "address": ""}'])
def test_a_file_that_names_no_contract(chain, file, text):
    file.write_text(text)
    with pytest.raises(NotDeployedError, match=r"contract\.json does not name a contract"):
        chain_of_contract(chain.url, file)


def test_no_file(chain, tmp_path):
    with pytest.raises(NotDeployedError, match="not deployed"):
        chain_of_contract(chain.url, tmp_path / "contract.json")
