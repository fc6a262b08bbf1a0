"""Fixtures of every test: folders of its own, and nothing remembered from the test before."""

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase, override_settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient
from threadpoolctl import threadpool_limits

from accounts.models import User
from catalog.cards import forget_cards
from search.state import forget_search
from serving.live import forget_state
from tests.emptying import empty, remember_what_stays
from tests.factories import make_user
from tests.logins import log_in
from tests.migrated import begin_with_a_copy

# The same examples every time; HYPOTHESIS_PROFILE=explore looks for new ones. A busy machine is no failure.
# How long an input takes to make says how busy the machine is.
hypothesis_settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("explore", max_examples=1000, deadline=None)
# For mutation testing, where one failing example is enough and its shortest form is of no use.
hypothesis_settings.register_profile(
    "mutation", derandomize=True, deadline=None, max_examples=20, phases=(Phase.explicit, Phase.generate)
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


pytest_plugins = ["tests.time_limit"]
# Libraries of arithmetic start as many threads as there are cores, and each worker has its core already.
# Models of tests are trained in less time than threads take to wait for each other.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Files with a test of ten seconds or more.
_LONGEST = ("test_readme.py", "test_your_own_catalog.py", "test_tutorials.py", "test_load_demo.py")
_tests = count()
_DATABASE = {"db", "transactional_db", "threads_db", "django_db_setup", "live_server"}


def pytest_configure() -> None:
    """One thread for arithmetic: here, in the workers that start later, and in the processes of tests.

    The garbage collector rests while tests are collected. All that is made then stays, and going through it
    again and again took a third of the time.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    threadpool_limits(1)
    TransactionTestCase._fixture_teardown = empty  # type: ignore[attr-defined]
    Client.force_login = log_in  # type: ignore[assignment,method-assign]
    gc.disable()


def pytest_collection_finish() -> None:
    """Leaves what the collection made out of every later look for garbage."""
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--of-the-database",
        action="store_true",
        help="only tests that another database could fail: all that use it but those marked any_database",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, where a second database is tried, what ran on the first and does not depend on it.

    What takes longest begins first: at the end one worker would wait for it while the others are done.
    """
    items.sort(key=lambda item: item.path.name not in _LONGEST)
    if not config.getoption("--of-the-database"):
        return
    chosen = [item for item in items if _depends_on_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _depends_on_database(item)])
    items[:] = chosen


def _depends_on_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(_DATABASE & fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session", autouse=True)
def _for_all_tests() -> Iterator[None]:
    """Settings of every test. A test that is about one of them says so."""
    with override_settings(
        # A newly activated model is noticed at the next request; the catalog is read once per test.
        MODEL_CHECK_SECONDS=-1.0,
        CATALOG_REFRESH_SECONDS=3600.0,
        # Lists are the same every time, except where a test is about chance.
        EXPLORATION_SHARE=0.0,
        # Tests ask often; those of the limits say so.
        RATE_LIMIT_FACTOR=0.0,
        # A search ends by the clock; tests of it say how long.
        RETRAIN_TUNE_SECONDS=0.0,
        # Each client of a test starts the middleware anew; static files are looked up when asked for.
        WHITENOISE_AUTOREFRESH=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Few tests write there, so the folder is made by who does. The next test gets other folders,
    # so they are set without the signals that a changed setting sends: nothing listens for these.
    own = tmp_path_factory.getbasetemp() / f"own-{next(_tests)}"
    project.MODEL_DIR = own / "models"
    project.SHARED_MODEL_DIR = own / "shared"
    project.DATASET_DIR = own / "datasets"
    project.REPORT_DIR = own / "reports"
    project.LOCK_DIR = own / "locks"
    forget_state()
    forget_search()
    forget_cards()
    cache.clear()
    handlers = _handlers_of_log()
    yield
    forget_state()
    forget_search()
    assert _handlers_of_log() == handlers, "Another log was left behind: every later line would go there."


def _handlers_of_log() -> list[logging.Handler]:
    return [one for one in logging.root.handlers if type(one) is logging.StreamHandler]


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix(request: pytest.FixtureRequest) -> None:
    """A database for each worker; that of SQLite lies in the memory of each, by whatever name.

    pytest-django knows SQLite by the name of Django's own backend alone.
    """
    worker = getattr(request.config, "workerinput", {}).get("workerid")
    if worker and connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"test_{connection.settings_dict['NAME']}_{worker}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "sqlite":
            begin_with_a_copy(patch)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        remember_what_stays()


@pytest.fixture(scope="session")
def migrated_file(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An SQLite database with all tables, to be copied where processes of a test need one of their own."""
    path = tmp_path_factory.mktemp("migrated") / "heed.sqlite3"
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock():
            connection.ensure_connection()
            path.write_bytes(connection.connection.serialize())
        return path
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{path}"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=project.BASE_DIR, env=environment, check=True)
    return path


@pytest.fixture
def person(db: None) -> User:
    return make_user("ann")


@pytest.fixture
def other_person(db: None) -> User:
    return make_user("bob")


@pytest.fixture
def staff(db: None, client: Client) -> User:
    """A staff member without any permission yet, logged in with `client`."""
    user = make_user("staff", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def api(person: User) -> APIClient:
    """An API client logged in as `person`."""
    client = APIClient(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def browserless(person: User, client: Client) -> Client:
    """A page client logged in as `person`."""
    client.force_login(person)
    return client


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """The address of a server that speaks S3, started once: it takes half a second to stop."""
    # Loaded here: it takes a second, and few tests need it.
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(object_store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an empty bucket of a server that speaks S3; its address stands in the environment."""
    from urllib.request import Request, urlopen

    import fsspec

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store)
    store = fsspec.filesystem("s3")
    # Clients last, since each reads a long description of S3. What they know of buckets does not.
    store.invalidate_cache()
    store.makedirs("heed-test", exist_ok=True)
    yield "heed-test"
    if os.environ["AWS_ENDPOINT_URL"] != object_store:
        type(store).clear_instance_cache()
    for one in type(store)._cache.values():
        one.invalidate_cache()
    # What it holds belongs to the process, and not to the server.
    urlopen(Request(f"{object_store}/moto-api/reset", method="POST")).close()  # noqa: S310
