"""One settings file, driven by the environment. Every name read here is documented in docs/reference/settings.md.

Sections: core, database, redis and celery, channels, security, logging, beckn, engine, ledger.
With nothing set, everything runs on embedded defaults under CACO_VAR (./var).
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from urllib.parse import unquote

import environ

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- core
VAR_DIR = Path(env.str("CACO_VAR", default=str(BASE_DIR / "var"))).resolve()
# What `manage.py up` chose here (database, Redis, address), so that other commands join it. The environment wins.
RUNNING = VAR_DIR / "run" / "settings.json"
if RUNNING.exists():
    env.ENVIRON = {**json.loads(RUNNING.read_text()), **os.environ}
PUBLIC_URL = env.str("CACO_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
DEBUG = env.bool("CACO_DEBUG", default=False)
# What a Prometheus server sends to /metrics; empty: staff only.
METRICS_TOKEN = env.str("CACO_METRICS_TOKEN", default="")
ENVIRONMENT = env.str("CACO_ENVIRONMENT", default="DEMO")  # DEMO, SANDBOX or LIVE; shown on every page
# A file with an offset in seconds, so that a demonstration can live on recorded data. Read in DEMO only.
MARKET_CLOCK_FILE = env.str("CACO_MARKET_CLOCK_FILE", default=str(VAR_DIR / "market_clock"))
TIME_ZONE = "UTC"
DISPLAY_TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en-gb"
ROOT_URLCONF = "caco_site.urls"
WEB_THREADS = env.int("CACO_WEB_THREADS", default=8)  # pages and API requests served at once by one web process
WSGI_APPLICATION = "caco_site.wsgi.application"
ASGI_APPLICATION = "caco_site.asgi.application"
AUTH_USER_MODEL = "marketplace.User"
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "beckn",
    "marketplace",
    "caco_site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "caco_site.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from the source folders: no collectstatic step, nothing stale
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- database
# SQLite with a full fsync at each commit is the default: an ACK means committed, also after a power cut.
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'caco.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    # A pool per process; what DATABASE_URL says after its ? (sslmode and the like) stays.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("CACO_DB_POOL", default=20),
        "timeout": 10,  # seconds to wait for a server that is away, before the request fails
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # after a server's restart no request meets a dead connection
    DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])  # a socket's folder may be written with %2F
DATABASES["default"]["CONN_MAX_AGE"] = 0  # the pool keeps connections; SQLite opens in a fraction of a millisecond

# --- redis and celery: wake-up calls only; everything survives losing them
REDIS_URL = env.str("REDIS_URL", default="")
REDIS_STANDS_IN = env.bool("CACO_REDIS_STANDS_IN", default=False)  # set by `manage.py up` when it found no real Redis
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TIMEZONE = "UTC"
CELERY_IMPORTS = (
    "beckn.tasks",
    "caco_site.heartbeat",
    *(
        f"marketplace.agents.{agent}"
        for agent in ("compute", "coordination", "grid", "housekeeping", "metering", "notification", "optimisation")
    ),
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # there are no results, so nothing to clean up
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
REDIS_PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}  # a Redis that hangs must not hang whoever commits
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        **REDIS_PATIENCE,
        "visibility_timeout": 1800,
        "socket_keepalive": True,
        # Of one publication: a second try at once, then the sweep does it.
        "max_retries": 1,
        "interval_start": 0.05,
        "interval_step": 0.1,
        "interval_max": 0.2,
    }
    if REDIS_URL
    else {"polling_interval": 0.05}
)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: no schedule file that a crash could spoil
BECKN_SWEEP_S = env.float("BECKN_SWEEP_S", default=2.0)
# Seconds between the ticks of each duty. A tick that waited longer than its own interval is dropped: the next one does
# the same work, so nothing piles up while the worker is away.
TICKS = {
    "caco_site.heartbeat.pulse": 1.0,
    "beckn.tasks.sweep": BECKN_SWEEP_S,
    "marketplace.agents.compute.tick": 2.0,
    "marketplace.agents.optimisation.tick": 2.0,
    "marketplace.agents.coordination.tick": 2.0,
    "marketplace.agents.notification.tick": 2.0,
    "marketplace.agents.housekeeping.tick": 3.0,
    "marketplace.agents.metering.tick": 2.0,
    "marketplace.agents.grid.tick": 300.0,
}
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 5.0)}}
    for name, seconds in TICKS.items()
}

# --- channels: "topic changed" messages only
# The pub/sub layer holds one Redis connection per process; the default layer would hold one per open page.
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": REDIS_URL, **REDIS_PATIENCE}]},
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

# --- security
SECRET_KEY = env.str("CACO_SECRET_KEY", default="")
if not SECRET_KEY:
    key_file = VAR_DIR / "keys" / "secret_key"
    # script/server makes this file; the fixed value only serves commands that run before it exists.
    SECRET_KEY = key_file.read_text().strip() if key_file.exists() else "not-secret-only-for-commands-before-set-up"
ALLOWED_HOSTS = env.list("CACO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CACO_TRUSTED_ORIGINS", default=[])
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "marketplace.web.errors.csrf_failure"
# Nothing from elsewhere, nothing inline: scripts, styles, images and sockets of this site only.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024


# --- logging
def no_health(record: logging.LogRecord) -> bool:
    """False for what the health page answers."""
    return not getattr(getattr(record, "request", None), "path", "").startswith("/health/")


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # A balancer that asks whether we are ready gets its 503 without an error line each time.
    "filters": {"health": {"()": "django.utils.log.CallbackFilter", "callback": no_health}},
    "loggers": {
        "django.request": {"filters": ["health"]},
        # A tick every second or two would be three lines each; what the agents decide stands in their own table.
        **{name: {"level": "WARNING"} for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace")},
    },
    "root": {"handlers": ["stderr"], "level": env.str("CACO_LOG_LEVEL", default="INFO")},
}

# --- api
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 100,
}
REST_KNOX = {"TOKEN_MODEL": "marketplace.ApiToken"}
KNOX_TOKEN_MODEL = "marketplace.ApiToken"  # noqa: S105 - the name of a model
SPECTACULAR_SETTINGS = {
    "TITLE": "CACO API",
    "DESCRIPTION": "Programs come in here: queues, plans, offers, orders, meters, statements and proofs.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # what the API takes is no secret
    # States of different nouns share the name "state", so their values stand at each field and not under a shared name.
    "POSTPROCESSING_HOOKS": ["marketplace.api.schema.tidied"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- beckn
# Three participants live in the default installation: the seller's BPP, a grid operator's BAP and a discovery service.
BECKN_NETWORK_ID = env.str("BECKN_NETWORK_ID", default="caco.example/flex-dev")
BECKN_KEY_DIR = VAR_DIR / "keys" / "beckn"
BECKN_PARTICIPANTS = {
    "bpp": {
        "subscriber_id": env.str("BECKN_BPP_ID", default="market.caco.local"),
        "url": env.str("BECKN_BPP_URL", default=f"{PUBLIC_URL}/beckn/bpp"),
    },
    "bap": {
        "subscriber_id": env.str("BECKN_BAP_ID", default="grid.caco.local"),
        "url": env.str("BECKN_BAP_URL", default=f"{PUBLIC_URL}/beckn/bap"),
    },
    "ds": {
        "subscriber_id": env.str("BECKN_DS_ID", default="discovery.caco.local"),
        "url": env.str("BECKN_DS_URL", default=f"{PUBLIC_URL}/beckn/ds"),
    },
}
BECKN_HANDLERS = {"bpp": "marketplace.bpp", "bap": "marketplace.bap", "ds": "beckn.discovery.handlers"}
BECKN_CLOCK = "marketplace.clock.now"  # by which catalogues are in force at our discovery service
# Where the seller publishes and the buyer searches. Empty: nothing is published, and our seller is asked directly.
BECKN_DISCOVERY_ID = env.str("BECKN_DISCOVERY_ID", default="")
BECKN_SUPPORT_EMAIL = env.str("BECKN_SUPPORT_EMAIL", default="")  # told to buyers who ask for support
BECKN_REGISTRY_URL = env.str("BECKN_REGISTRY_URL", default="")  # empty: the development registry in this database
BECKN_REGISTRY_KIND = env.str("BECKN_REGISTRY_KIND", default="v1")  # v1: POST /lookup; dedi: GET /lookup/...
BECKN_REGISTRY_ID = env.str("BECKN_REGISTRY_ID", default="registry.caco.local")  # who signs our registry's challenges
BECKN_REGISTRY_OPEN = env.bool("BECKN_REGISTRY_OPEN", default=ENVIRONMENT == "DEMO")  # newcomers may ask to be admitted
BECKN_PROFILE = env.str("BECKN_PROFILE", default="lts")  # of peers for whom nothing else is written: beckn.wire.profile
BECKN_ALLOW_PRIVATE_PEERS = env.bool("BECKN_ALLOW_PRIVATE_PEERS", default=True)  # loopback peers, for development
BECKN_MAX_BODY = 1024 * 1024
# The adapter's addresses, /bap/ and /bpp/ with caller/ and receiver/: for a local application that stands behind us.
BECKN_ADAPTER = env.bool("BECKN_ADAPTER", default=False)
BECKN_ADAPTER_SECRET = env.str("BECKN_ADAPTER_SECRET", default="")  # what it sends, and is sent, as Bearer
BECKN_ADAPTER_NETWORKS = env.list("BECKN_ADAPTER_NETWORKS", default=[])  # private networks that need no secret
BECKN_APPLICATIONS = {
    "bap": env.str("BECKN_BAP_APPLICATION", default=""),
    "bpp": env.str("BECKN_BPP_APPLICATION", default=""),
}
# --- engine
FEEDS_LIVE = env.bool("CACO_FEEDS_LIVE", default=False)  # ask the public APIs; otherwise files or labelled synthetic
FEEDS = env.list("CACO_FEEDS", default=[])  # names of feeds; empty: every usual one
FEEDS_ARCHIVE = env.str("CACO_FEEDS_ARCHIVE", default=str(VAR_DIR / "feeds"))  # raw answers; empty: none are kept
FEEDS_ARCHIVE_DAYS = env.int("CACO_FEEDS_ARCHIVE_DAYS", default=450)  # past the last settlement run, 14 months on
FEEDS_MIRROR = env.str("CACO_FEEDS_MIRROR", default="")  # a server that has every publisher under /host/
FEEDS_KEYS = {
    "CACO_MET_OFFICE_KEY": env.str("CACO_MET_OFFICE_KEY", default=""),
    "CACO_ENTSOE_KEY": env.str("CACO_ENTSOE_KEY", default=""),
}
FEEDS_PLACES = {
    "regions": tuple(env.list("CACO_CARBON_REGIONS", cast=int, default=[10, 13, 14])),  # those of UK Power Networks
    "latitude": env.float("CACO_WEATHER_LATITUDE", default=51.51),
    "longitude": env.float("CACO_WEATHER_LONGITUDE", default=-0.13),
    "agile_product": env.str("CACO_AGILE_PRODUCT", default="AGILE-24-10-01"),
    "agile_region": env.str("CACO_AGILE_REGION", default="C"),
}

# --- ledger
# Empty: the embedded development chain on the port that `manage.py up` picked. "none": no chain, shown as NO_CHAIN.
CHAIN_RPC_URL = env.str("CACO_RPC_URL", default="")
CHAIN_KEY_FILE = Path(env.str("CACO_CHAIN_KEY_FILE", default=str(VAR_DIR / "keys" / "chain_key")))
CHAIN_CONTRACT_FILE = VAR_DIR / "chain" / "contract.json"  # {chain_id, address, code_hash}, written by audit_deploy
CHAIN_CONFIRMATIONS = env.int("CACO_CONFIRMATIONS", default=1)
CHAIN_MAX_FEE_GWEI = env.int("CACO_MAX_FEE_GWEI", default=500)  # a gas; no fee is raised above it
LEDGER_LOG_ID = env.str("CACO_LOG_ID", default="caco.example/settlement-log")
# Where the log lies as files beside the database: public tiles, and what restores it. "none": in the database alone.
LOG_DIR = env.str("CACO_LOG_DIR", default=str(VAR_DIR / "ledger"))
LEDGER_DIR = None if LOG_DIR == "none" else Path(LOG_DIR).resolve()
CHECKPOINT_KEY_FILE = Path(env.str("CACO_CHECKPOINT_KEY_FILE", default=str(VAR_DIR / "keys" / "checkpoint_key")))
LEDGER_WITNESSES = env.list("CACO_WITNESSES", default=[])  # each: a verifier key, a space, the address it cosigns at
ANCHOR_EVERY_S = env.float("CACO_ANCHOR_EVERY_S", default=1800.0)
