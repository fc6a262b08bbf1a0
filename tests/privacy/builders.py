"""A person who has done everything that leaves a row."""

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from accounts.services import create_profile, issue_service_token
from catalog.models import Item
from console.models import Run
from curation.models import Rule
from curation.services import save_rule
from feedback.models import Dislike, NegativeTrainingExample
from profiles.catching_up import catch_up
from ranking.models import ExampleUse
from tests.factories import allow, make_interaction, make_item, make_user, make_version
from tests.logins import log_in_as_noted

NAME = "zelda-quixano"
PASSWORD = "correct horse 7"
COMMENT = 'Too "loud" — 日本\n</script>'


def make_history(person: User) -> None:
    """Logs in, fails to, gets a list, likes and dislikes from it, holds a token; staff look at it all."""
    for number in range(3):
        make_item(f"Heat {number}", genres=["Crime"])
    make_interaction(person, Item.objects.latest("pk"), "watched", rating=8)
    browser = Client()
    browser.post("/accounts/login/", {"username": NAME, "password": "wrong"})
    browser.post("/accounts/login/", {"username": NAME.title(), "password": PASSWORD})
    browser.post("/accounts/login/", {"username": NAME, "password": PASSWORD})
    create_profile(account=person, name="With the kids")
    api = APIClient()
    log_in_as_noted(api, person)
    served = api.get("/api/recommendations/personalized/movies").json()
    session = {"recommendation_session_id": served["recommendation_session_id"]}
    first, second = (slot["item"]["id"] for slot in served["recommendations"][:2])
    api.post(f"/api/movies/{first}/like", session, format="json", headers={"Idempotency-Key": "once"})
    no = {**session, "reason": "wrong_genre", "feedback_text": COMMENT}
    assert api.post(f"/api/movies/{second}/dislike", no, format="json").status_code == 201
    never = {"about": "genre:Crime", "scope": "week"}
    assert api.post(f"/api/movies/{second}/dislike", never, format="json").status_code == 201
    catch_up(user_id=person.pk)
    issue_service_token(user=person)
    person.groups.add(Group.objects.get_or_create(name="readers")[0])
    allow(person, "view_item")
    ExampleUse.objects.create(version=make_version(b"a model"), example=NegativeTrainingExample.objects.get())
    _be_seen_to(person)


def _be_seen_to(person: User) -> None:
    """The acts of staff on the person's rows, and one act of the person as staff."""
    staff = make_user("warden", is_staff=True)
    for row in (person, ServiceToken.objects.get(user=person), Dislike.objects.get(user=person)):
        LogEntry.objects.log_actions(staff.pk, [row], CHANGE, change_message="looked at it")
    now = timezone.now()
    Run.objects.create(
        command="retrain",
        kind=Run.Kind.RETRAINING,
        source=Run.Source.ADMIN,
        status=Run.Status.CANCELED,
        started_by=person,
        canceled_by=person,
        asked_at=now,
        heard_at=now,
    )
    rule = Rule(kind="boost", about="item", item=Item.objects.latest("pk"), number=1.5)
    save_rule(rule=rule, by=person)
    LogEntry.objects.log_actions(
        person.pk, [Item.objects.earliest("pk")], CHANGE, change_message="renamed it"
    )


def rows_about(person_id: int) -> dict[str, int]:
    """The number of rows of each table that points at the person, by table and column."""
    return {
        f"{model._meta.label}.{field.name}": model._default_manager.filter(**{field.name: person_id}).count()
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model is User
    }
