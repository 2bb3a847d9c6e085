"""manage.py audit_witness: a small witness of logs, by c2sp.org/tlog-witness.

It remembers the largest head of each log it is given a key of, and cosigns only what extends it. It shares nothing with the
log: run it elsewhere, with a folder of its own.
"""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.ledger import key_file
from marketplace.ledger.checkpoint import COSIGNATURE, NoteError, PrivateKey, is_name, public_key
from marketplace.ledger.witness import MOST_BYTES, Answer, Witness


class Command(BaseCommand):
    help = "Run a witness: it cosigns a log's checkpoints as long as each extends the one before. Example: manage.py audit_witness --name witness.example/1 --folder /srv/witness --log <verifier key> --port 8790"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="the witness's name, such as witness.example/1")
        parser.add_argument("--folder", required=True, type=Path, help="where its key and its memory lie")
        parser.add_argument("--log", required=True, action="append", help="a log's verifier key; may be given again")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8790)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not is_name(options["name"]):
                raise NoteError(f"{options['name']!r} is no name of a key: it may hold neither spaces nor +")
            file = options["folder"] / "witness_key"
            key_file.create(file, mode=0o400)
            seed = key_file.load(file, kind="Ed25519", absent=f"there is no witness key at {file}")
            key = PrivateKey(options["name"], COSIGNATURE, seed)
            witness = Witness(key, [public_key(one) for one in options["log"]], options["folder"])
        except (NoteError, key_file.KeyFileError) as problem:
            raise CommandError(f"{problem}.") from problem
        with ThreadingHTTPServer((options["host"], options["port"]), handler_of(witness)) as server:
            self.stdout.write(f"{key.public.text()} http://{options['host']}:{server.server_port}")
            self.stdout.flush()
            server.serve_forever()


def handler_of(witness: Witness) -> type[BaseHTTPRequestHandler]:
    """What answers the HTTP requests of one witness."""

    class Handler(BaseHTTPRequestHandler):
        """POST /add-checkpoint, and nothing else."""

        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self) -> None:
            """Answer one request."""
            told = self.headers.get("Content-Length", "")
            length = int(told) if told.isdecimal() and len(told) < 9 else MOST_BYTES + 1
            if length > MOST_BYTES:
                self.close_connection = True
                self.say(Answer(413, f"A request has at most {MOST_BYTES} bytes.\n"))
            elif self.path != "/add-checkpoint":
                self.rfile.read(length)
                self.say(Answer(404, "This witness answers POST /add-checkpoint.\n"))
            else:
                self.say(witness.add_checkpoint(self.rfile.read(length), at=int(time.time())))

        def say(self, answer: Answer) -> None:
            """Write the answer."""
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the server's own name for it
            """Say nothing: what matters is in the answers."""

    return Handler
