"""Settings under test: the product's own, with a throw-away var folder, a fixed key and no Redis.

Only DATABASE_URL is taken over from outside, so that the same tests run on PostgreSQL (script/test does so when it finds a
server). Journeys start real processes with caco_site.settings and set their own environment.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

VAR = tempfile.mkdtemp(prefix="caco-test-")
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
for name in [name for name in os.environ if name.startswith(("CACO_", "BECKN_", "REDIS_URL"))]:
    # What finds a browser, the reference data or a seed stays; anything that steers the product goes.
    if name not in {"CACO_CHROMIUM", "CACO_SHARED", "CACO_BECKN_SPEC"}:
        del os.environ[name]
os.environ["CACO_VAR"] = VAR
os.environ["CACO_SECRET_KEY"] = "only-for-tests-0123456789-0123456789-0123456789"

from caco_site.settings import *  # noqa: E402, F403

LEDGER_DIR = None  # a test rolls its log back, and files stay: the tests of the files name a folder of their own
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; the tests' passwords are no secrets
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Our own token model replaces knox's, whose migration would still make its table; a test that commits could then not empty
# the users' table on PostgreSQL, because the unused one refers to it.
MIGRATION_MODULES = {"knox": None}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, as in production: threads then meet real locks, and WAL and its waiting are the ones under test.
    DATABASES["default"]["TEST"] = {"NAME": f"{VAR}/test.sqlite3"}  # noqa: F405
