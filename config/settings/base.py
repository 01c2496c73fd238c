"""Settings for laptop and production alike, chosen by environment variables alone.

Baton runs *embedded* while nobody says otherwise: SQLite and two generated keys in
`.data/`, served to this machine only. It runs in *production* as soon as DEBUG is set
to a false value or ALLOWED_HOSTS names another machine; then SECRET_KEY and
CREDENTIAL_KEYS must be set.
"""

from __future__ import annotations

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from .local import data_dir, kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

# -- embedded or production ------------------------------------------------------------

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=LOOPBACK)
DEBUG_SET = "DEBUG" in env.ENVIRON and env("DEBUG").strip() != ""
DEBUG: bool = env.bool("DEBUG") if DEBUG_SET else False
PRODUCTION = (DEBUG_SET and not DEBUG) or not set(ALLOWED_HOSTS) <= set(LOOPBACK)
EMBEDDED = not PRODUCTION

DATA_DIR = Path(env("DATA_DIR", default=str(BASE_DIR / ".data")))


def needed(name: str, how: str) -> str:
    """Return this variable; in production an unset one stops the start."""
    value: str = env(name, default="").strip()
    if not value and PRODUCTION:
        raise ImproperlyConfigured(
            f"{name} is not set. Baton does not start in production without it: {how}"
        )
    return value


SECRET_KEY = needed("SECRET_KEY", "set it to 50 or more random characters.")
_credential_keys = needed(
    "CREDENTIAL_KEYS", "make one with `python manage.py make_credential_key`."
)
if not SECRET_KEY:
    SECRET_KEY = kept_secret(data_dir(DATA_DIR) / "secret_key", "text")
#: The first key encrypts, all of them decrypt.
CREDENTIAL_KEYS = [key.strip() for key in _credential_keys.split(",") if key.strip()]
if not CREDENTIAL_KEYS:
    CREDENTIAL_KEYS = [kept_secret(data_dir(DATA_DIR) / "credential_key", "fernet")]

CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# -- what it is made of ----------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "template_partials",
    "tasks_app.apps.TasksAppConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tasks_app.views.middleware.TeamMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "tasks_app.views.context.shell",
            ],
            # The package's own tag draws each icon anew.
            "libraries": {"lucide": "tasks_app.templatetags.icons"},
        },
    }
]

# -- database --------------------------------------------------------------------------

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'baton.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if Path(DATABASES["default"]["NAME"]).parent == DATA_DIR:
        data_dir(DATA_DIR)
    DATABASES["default"]["OPTIONS"] = {
        # Locks are taken when a transaction begins, so nobody finds out half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds
        # FULL: the commit that says "about to send" must survive a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60  # seconds
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- jobs ------------------------------------------------------------------------------

#: Without a broker the worker process rings itself: see tasks_app/jobs/pulse.py.
BROKER_URL = env("CELERY_BROKER_URL", default="") or "memory://"
HAS_BROKER = not BROKER_URL.startswith("memory:")

#: Seconds. The sweep looks for due work; a reading of each account begins this often.
SWEEP_EVERY = env.float("SWEEP_EVERY", default=15)
SYNC_EVERY = env.float("SYNC_EVERY", default=300)
#: Seconds: one whole call to a vendor, and how long a claim holds. More than twice it.
CALL_DEADLINE = env.float("CALL_DEADLINE", default=25)
LEASE = env.float("LEASE", default=60)
#: Seconds between looks at a push that needs a check; None = the vendor's own figure.
SETTLE_SECONDS = env.float("SETTLE_SECONDS", default=0) or None
#: Days that calls to vendors are kept with their bodies.
EXCHANGE_DAYS = 90

# -- vendors ---------------------------------------------------------------------------

#: host:port; base URLs elsewhere than the vendors' documented hosts are refused
#: unless they are listed here.
EXTRA_VENDOR_HOSTS: list[str] = env.list("EXTRA_VENDOR_HOSTS", default=[])
#: Practice vendors run beside the embedded demo only.
PRACTICE_VENDORS: bool = env.bool("PRACTICE_VENDORS", default=EMBEDDED)
PRACTICE_PORTS = env.list("PRACTICE_PORTS", default=["8101", "8102", "8103", "8104"])
if PRACTICE_VENDORS:
    EXTRA_VENDOR_HOSTS += [f"127.0.0.1:{port}" for port in PRACTICE_PORTS]
#: Where vendors can reach Baton, for webhooks; '' = they cannot.
PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")

# -- people ----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation"
        ".UserAttributeSimilarityValidator"
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # seconds

# Throttled by account and address together, so that nobody can lock out the owner.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST", "")
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Baton <baton@localhost>")

# -- words and times -------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env("TIME_ZONE", default="UTC")
# Baton speaks English alone: no number on a page has to ask for its language.
USE_I18N = False
USE_TZ = True

# -- static files ----------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served straight from their source where `collectstatic` has not run.
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "tasks_app.forms.uploads.Cap",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# A form for all prospects of a filter carries their ids as text.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# -- safety ----------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600  # seconds
CSRF_COOKIE_SAMESITE = "Lax"
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # The shipped set-up has one proxy in front that sets this header itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
AXES_IPWARE_PROXY_COUNT = env.int("PROXY_COUNT", default=1 if PRODUCTION else 0)

SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "filters": {"hooks": {"()": "config.settings.logs.HideHookSecrets"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["hooks"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # These print whole URLs, and LeadSquared's keys may stand in them.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # The development server's own handler prints every path as it is.
        "django.server": {"handlers": ["console"], "propagate": False},
        "celery": {"level": env("LOG_LEVEL", default="INFO")},
    },
}
