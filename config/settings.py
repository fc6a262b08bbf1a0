"""Settings, all read from the environment (see `.env.example` and docs/reference/settings.md)."""

from datetime import timedelta
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from core.client_address import networks
from core.folders import folder_and_store
from core.web_addresses import check_origin

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(str(BASE_DIR / ".env"))

# The file with the kinds, use cases and words of this installation (docs/reference/heed-toml.md).
HEED_CONFIG = Path(env.str("HEED_CONFIG", default=str(BASE_DIR / "heed.toml")))

# --- Security -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
if DEBUG:
    # A fresh clone has no var/ yet, and SQLite makes files but no folders.
    (VAR_DIR / "static").mkdir(parents=True, exist_ok=True)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Put a long random value in the environment or in .env; "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'` prints one."
        )
    SECRET_KEY = "only-for-the-demo-on-this-machine-never-for-a-server-that-others-reach"  # noqa: S105

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# HTTPS is the default; a deployment behind a plain-HTTP network says so itself.
HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=3600 if HTTPS else 0)
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# What these say of whom they pass on is believed: proxies of ours, as addresses or networks.
try:
    TRUSTED_PROXIES = networks(env.list("TRUSTED_PROXIES", default=[]))
except ValueError as error:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES: {error}.") from error
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Sub-domains and browser preload lists belong to whoever owns the domain, not to this application.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The origins that pictures of items may come from.
try:
    IMAGE_ORIGINS = [check_origin(origin) for origin in env.list("IMAGE_ORIGINS", default=[])]
except ValueError as error:
    raise ImproperlyConfigured(f"IMAGE_ORIGINS: {error}.") from error
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        # Poster art is inline SVG whose colors are computed per item.
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", *IMAGE_ORIGINS],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    },
}

# --- Applications ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    # Its pages load all that serves and trains, so config/urls.py asks for them, and not every command.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "catalog",
    "recommendations",
    "interactions",
    "feedback",
    "profiles",
    "imports",
    "curation",
    "ranking",
    "serving",
    "search",
    "experiments",
    "console",
    "privacy",
    "webhooks",
    "exports",
    "assistants",
    "web",
    "demo",
]

MIDDLEWARE = [
    "core.request_ids.RequestIdMiddleware",
    "core.measures.MeasuresMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.PolicyMiddleware",
    "core.middleware.ErrorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.limits.requests.LimitsMiddleware",
    "axes.middleware.AxesMiddleware",
]

# Traces of requests, lists and commands; they need requirements-otel.txt (docs/how-to/tracing.md).
OPENTELEMETRY = env.bool("OPENTELEMETRY", default=False)
if OPENTELEMETRY:
    MIDDLEWARE.insert(MIDDLEWARE.index("core.measures.MeasuresMiddleware"), "core.traces.TracesMiddleware")

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
                "core.context.site",
            ],
        },
    }
]

# --- Database -------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'heed.sqlite3'}")}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=None)
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN, so two writers wait for each other instead of failing
    # when a reader upgrades; WAL lets readers go on meanwhile.
    _database.setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE", timeout=20, init_command="PRAGMA journal_mode=WAL"
    )
    # Django's own, with writers who ask for the lock often enough to get it between two others.
    _database["ENGINE"] = "core.sqlite"
elif _database["ENGINE"].endswith("postgresql"):
    _database["ENGINE"] = "core.postgresql"
    if env.bool("PGBOUNCER", default=False):
        # A pooler hands out sessions per transaction and knows no options of a start: no cursors that
        # outlive a transaction, and no wishes.
        _database["DISABLE_SERVER_SIDE_CURSORS"] = True
    else:
        # A query whose client has gone is ended within a second, and with it the locks it held.
        _database.setdefault("OPTIONS", {}).setdefault("options", "-c client_connection_check_interval=1s")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Accounts -------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = reverse_lazy("feed")
LOGOUT_REDIRECT_URL = reverse_lazy("feed")
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOGIN_COOLOFF_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "accounts.limits.lockouts.Lockouts"
AXES_CLIENT_IP_CALLABLE = "core.client_address.client_address"
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# Links in mail begin with this. Without it they go to the host of the request, where ALLOWED_HOSTS lists it.
try:
    SITE_ADDRESS = check_origin(_address) if (_address := env.str("SITE_ADDRESS", default="")) else ""
except ValueError as error:
    raise ImproperlyConfigured(f"SITE_ADDRESS: {error}.") from error
# consolemail:// prints mail beside the log; smtp+tls://user:password@host:587 sends it.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="heed@localhost")
PASSWORD_RESET_TIMEOUT = max(1, env.int("PASSWORD_RESET_MINUTES", default=60)) * 60

# --- API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ServiceTokenAuthentication",
        "accounts.authentication.OwnSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["core.renderers.WrittenJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.limits.requests.RequestLimits"],
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Heed",
    "DESCRIPTION": "Ranked lists that learn from what people do and from every no.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    # What an answer calls a number is a number in an address too.
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
        "person": {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]},
        "kinds": {"type": "string"},
    },
    "PREPROCESSING_HOOKS": ["core.schema.each_view_once"],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", default=2_500_000)
# Files are held in memory, and a larger one is read past: nothing that is sent here reaches the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_FILE_BYTES", default=5_000_000)
# Two for each title of an imported history, of which there are 5,000 at most.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_100

# Limits on how often somebody may do something (docs/reference/limits.md): times this, 0 for none.
RATE_LIMIT_FACTOR = env.float("RATE_LIMIT_FACTOR", default=1.0)
RATE_LIMITS = env.list("RATE_LIMITS", default=[])
RATE_LIMIT_REDIS_URL = env.str("RATE_LIMIT_REDIS_URL", default="")

# Pages of other sites (docs/how-to/embedding.md): only origins listed here, only the API, no cookies.
CORS_ALLOWED_ORIGINS = env.list("EMBED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["GET", "POST", "DELETE"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-profile"]
CORS_PREFLIGHT_MAX_AGE = 7200
# Lifetime of the token in such a page.
PAGE_TOKEN_SECONDS = max(1, env.int("PAGE_TOKEN_SECONDS", default=3600))

# --- Pages and static files -----------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "core.storage.ModulesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
UNFOLD = {
    "SITE_TITLE": "core.context.site_name",
    "SITE_HEADER": "core.context.site_name",
    "COLORS": {"primary": "core.context.admin_tones"},
    "SHOW_VIEW_ON_SITE": True,
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("heed.svg")},
    ],
    "DASHBOARD_CALLBACK": "console.dashboard.add_dashboard",
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Recommending ---------------------------------------------------------------------------

# MODEL_DIR and DATASET_DIR may be addresses that fsspec knows, such as s3://bucket/models. Files are kept
# there for all machines then, and each machine has its copy under var/.
MODEL_DIR, MODEL_STORE = folder_and_store(
    env.str("MODEL_DIR", default=str(VAR_DIR / "models")), VAR_DIR / "models"
)
# Copies of large model files that the processes of this machine share as memory, for each user their own.
SHARED_MODEL_DIR = Path(env.str("SHARED_MODEL_DIR", default=str(VAR_DIR / "shared-models")))
# The folder of a sentence-transformers model, for `embed_items`; nothing is downloaded. Empty: there is none.
TEXT_MODEL = env.str("TEXT_MODEL", default="")
DATASET_DIR, DATASET_STORE = folder_and_store(
    env.str("DATASET_DIR", default=str(VAR_DIR / "datasets")), VAR_DIR / "datasets"
)
# Engines beside this machine, for `--engine spark` and `train_ranker --engine dask`.
SPARK_MASTER = env.str("SPARK_MASTER", default="local[*]")
DASK_SCHEDULER = env.str("DASK_SCHEDULER", default="")
REPORT_DIR = Path(env.str("REPORT_DIR", default=str(VAR_DIR / "reports")))
LOCK_DIR = Path(env.str("LOCK_DIR", default=str(VAR_DIR / "locks")))

# Age up to which a list that was shown may be named as the context of an action.
RECOMMENDATION_SESSION_DAYS = env.int("RECOMMENDATION_SESSION_DAYS", default=30)
# A second view of the same item from the same place within this time is the same view.
VIEW_REPEAT_MINUTES = env.int("VIEW_REPEAT_MINUTES", default=30)
# After so many days an interaction counts half towards popularity (measured in docs/research/als.md).
POPULARITY_HALF_LIFE_DAYS = env.float("POPULARITY_HALF_LIFE_DAYS", default=365.0)
# Candidates that each source may bring to one request.
CANDIDATES_PER_SOURCE = env.int("CANDIDATES_PER_SOURCE", default=150)
# Beside the most trusted source that has an answer, the others bring fewer: each one costs the ranker time.
CANDIDATES_PER_FURTHER_SOURCE = env.int("CANDIDATES_PER_FURTHER_SOURCE", default=40)
# A slot shown with a score above this and passed over is a hard negative of the ranker's dataset.
HARD_NEGATIVE_SCORE = env.float("HARD_NEGATIVE_SCORE", default=0.7)
# This share of the places after the first shows what the ranking would not have shown.
EXPLORATION_SHARE = min(1.0, max(0.0, env.float("EXPLORATION_SHARE", default=0.05)))
# Workers look for a newly activated model or experiment, and for changes of the catalog, this often.
MODEL_CHECK_SECONDS = env.float("MODEL_CHECK_SECONDS", default=2.0)
# What a process keeps of the people whom it made lists for, at most: some 170 kB each.
PEOPLE_MEMORY_MB = env.float("PEOPLE_MEMORY_MB", default=128.0)
# Named CATALOGUE_REFRESH_SECONDS before; environments made for that are still heeded.
CATALOG_REFRESH_SECONDS = env.float(
    "CATALOG_REFRESH_SECONDS", default=env.float("CATALOGUE_REFRESH_SECONDS", default=60.0)
)

# Effects of a dislike (heed.toml says which reason does what).
DISLIKE_GENRE_SHARE = env.float("DISLIKE_GENRE_SHARE", default=0.15)
DISLIKE_CAST_SHARE = env.float("DISLIKE_CAST_SHARE", default=0.10)
DISLIKE_LIGHTER_SHARE = env.float("DISLIKE_LIGHTER_SHARE", default=0.075)
DISLIKE_LIGHT_SHARE = env.float("DISLIKE_LIGHT_SHARE", default=0.03)
DISLIKE_NAMED_SHARE = env.float("DISLIKE_NAMED_SHARE", default=0.5)
DISLIKE_FRANCHISE_SHARE = env.float("DISLIKE_FRANCHISE_SHARE", default=0.12)
# However many dislikes, nothing is held back further than to this share of its score.
DISLIKE_FLOOR = env.float("DISLIKE_FLOOR", default=0.3)
# The exponent of all of them: with 2 one dislike acts as two. MOST_STRENGTH is in feedback/effect.py.
DISLIKES_STRENGTH = min(4.0, max(0.0, env.float("DISLIKES_STRENGTH", default=1.0)))
# By how much an item sinks with each list in which it was passed over, and the double of a known one.
PASSED_OVER_SHARE = min(1.0, max(0.0, env.float("PASSED_OVER_SHARE", default=0.05)))
KNOWN_SHARE = min(1.0, max(0.0, env.float("KNOWN_SHARE", default=0.1)))
# The most of a base score that goes with the chance that the item is turned down (a model of verdicts tells).
REFUSAL_SHARE = min(1.0, max(0.0, env.float("REFUSAL_SHARE", default=1.0)))
DISLIKE_HALF_LIFE_DAYS = env.float("DISLIKE_HALF_LIFE_DAYS", default=90.0)
DISLIKE_EXAMPLE_WEIGHT = env.float("DISLIKE_EXAMPLE_WEIGHT", default=0.8)
# So many examples ask for a new model; one person counts with so many at the most.
DISLIKE_RETRAIN_THRESHOLD = env.int("DISLIKE_RETRAIN_THRESHOLD", default=20)
DISLIKE_CAP_PER_PERSON = env.int("DISLIKE_CAP_PER_PERSON", default=5)

# Accounts that people made themselves are new for so many days. All new ones together are worth to an item at
# most this share of what the most wanted one is worth to everybody else, and at least so many people's word.
NEW_ACCOUNT_DAYS = max(0.0, env.float("NEW_ACCOUNT_DAYS", default=7.0))
NEW_ACCOUNT_SHARE = min(1.0, max(0.0, env.float("NEW_ACCOUNT_SHARE", default=0.05)))
NEW_ACCOUNT_PEOPLE = max(0, env.int("NEW_ACCOUNT_PEOPLE", default=5))

# A new model goes live when the lower end of its paired NDCG@10 difference is not below this.
GATE_MARGIN = env.float("GATE_MARGIN", default=-0.02)
# With fewer people to evaluate on, nothing goes live by itself.
GATE_MIN_PEOPLE = env.int("GATE_MIN_PEOPLE", default=20)
# `retrain --if-needed` trains when the active model is older than this, whatever the feedback.
RETRAIN_MAX_AGE_DAYS = env.float("RETRAIN_MAX_AGE_DAYS", default=7.0)
# After a rejected attempt it waits this long, so that cron does not train the same thing again and again.
RETRAIN_RETRY_HOURS = env.float("RETRAIN_RETRY_HOURS", default=12.0)
# `retrain` searches for better hyper-parameters for so long, shared by all kinds; 0 turns the search off.
RETRAIN_TUNE_SECONDS = max(0.0, env.float("RETRAIN_TUNE_SECONDS", default=120.0))
# Whom `check_alerts` tells by mail, and where its bands end.
ALERT_EMAILS = env.list("ALERT_EMAILS", default=[])
# A use case whose newest model in service is older than so many days; 0 for never.
ALERT_MODEL_DAYS = max(0.0, env.float("ALERT_MODEL_DAYS", default=14.0))
# The milliseconds that nineteen lists in twenty are made in; 0 for never.
ALERT_LIST_MS = max(0, env.int("ALERT_LIST_MS", default=1000))
# The share of a day's slots that its ten commonest titles may fill.
ALERT_SAMENESS = env.float("ALERT_SAMENESS", default=0.5)
# The share of the catalog that the newest 500 lists of a day must show, or of their slots where these are
# fewer; 0 for never.
ALERT_COVERAGE = max(0.0, env.float("ALERT_COVERAGE", default=0.0))
# An alert where the scores of a ranker in service shifted further from training: PSI, 0 for never.
ALERT_DRIFT = max(0.0, env.float("ALERT_DRIFT", default=0.25))
# `prune` removes what is older than so many days; 0 keeps it for ever (docs/how-to/jobs.md).
PRUNE_KEY_DAYS = env.float("PRUNE_KEY_DAYS", default=30.0)
PRUNE_LOGIN_DAYS = env.float("PRUNE_LOGIN_DAYS", default=90.0)
PRUNE_UNSEEN_SESSION_DAYS = env.float("PRUNE_UNSEEN_SESSION_DAYS", default=30.0)
PRUNE_SESSION_DAYS = env.float("PRUNE_SESSION_DAYS", default=365.0)
PRUNE_RUN_DAYS = env.float("PRUNE_RUN_DAYS", default=90.0)
PRUNE_DATASET_DAYS = env.float("PRUNE_DATASET_DAYS", default=30.0)
PRUNE_MODEL_FILE_DAYS = env.float("PRUNE_MODEL_FILE_DAYS", default=90.0)
PRUNE_REPORT_DAYS = env.float("PRUNE_REPORT_DAYS", default=180.0)
# Webhooks may lead into the network of this server. Off: a staff member could reach what only it reaches.
WEBHOOKS_TO_PRIVATE_ADDRESSES = env.bool("WEBHOOKS_TO_PRIVATE_ADDRESSES", default=False)
# Taste (docs/explanation/taste.md). After so many pieces of feedback the taste vector moves.
TASTE_UPDATE_EVERY = max(1, env.int("TASTE_UPDATE_EVERY", default=3))
# The share of the boosts by a person's taste that is applied: 0 nothing, 1 all. Both as measured in
# docs/explanation/taste.md, "Newcomers".
BOOST_STRENGTH = min(1.0, max(0.0, env.float("BOOST_STRENGTH", default=1.0)))
# The same where a ranker orders the list, which knows the person's taste from its features already.
BOOST_STRENGTH_WITH_RANKER = min(1.0, max(0.0, env.float("BOOST_STRENGTH_WITH_RANKER", default=0.5)))
# The share of popularity in the base score for somebody of whom a model knows nothing yet; it fades with
# every approved item (ranking/scoring.py). As measured there.
POPULARITY_SHARE = min(1.0, max(0.0, env.float("POPULARITY_SHARE", default=0.5)))

# --- Watching it ----------------------------------------------------------------------------

# Who may read /metrics: bearers of the token, and addresses; this machine alone where nothing is said.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if 0 < len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured(
        "METRICS_TOKEN must have at least 16 characters, for it is all that is asked for."
    )
try:
    METRICS_ADDRESSES = networks(env.list("METRICS_ADDRESSES", default=["127.0.0.1", "::/64"]))
except ValueError as error:
    raise ImproperlyConfigured(f"METRICS_ADDRESSES: {error}.") from error
# The folder through which the workers of one machine share what they count.
METRICS_DIR = Path(env.str("METRICS_DIR", default=str(VAR_DIR / "metrics")))

# --- Logs -----------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT must be line or json, not {LOG_FORMAT!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s%(of_request)s"},
        "json": {"()": "core.log_lines.json_formatter"},
    },
    "filters": {
        "request": {"()": "core.log_lines.RequestIdFilter"},
        "strangers": {"()": "core.log_lines.StrangersFilter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request", "strangers"],
        }
    },
    # One line for a lockout is enough; a line for every login is not. So is one for traces that nobody takes.
    # py4j, which speaks to Spark, tells of each connection that it closes.
    "loggers": {
        "axes": {"level": "WARNING"},
        # With DEBUG Django would write each of its lines a second time.
        "django": {"handlers": []},
        "opentelemetry": {"level": "ERROR"},
        "py4j": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
# An event with values is an ordinary line with key=value at its end, on standard error like all others; or
# with LOG_FORMAT=json an object, whose names are its values'.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter
        if LOG_FORMAT == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
)
