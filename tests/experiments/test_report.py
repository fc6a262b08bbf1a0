"""The report of an experiment: its people, its outcomes, and the cases that claim nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Item
from experiments.outcomes import People, read_people
from experiments.page import describe
from experiments.report import make_report, report_on
from feedback.models import Dislike
from feedback.services import save_dislike, undo_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from ranking.datasets.session_log import SessionChunk, read_sessions
from ranking.models import Arm, Experiment
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_items, make_user

pytestmark = pytest.mark.django_db
LATER = EPOCH + timedelta(days=100)


@pytest.fixture
def experiment(db: None) -> Experiment:
    """Running since EPOCH, two arms, three days that count."""
    made = Experiment.objects.create(
        name="trial", use_case="movie_home", status="running", started_at=EPOCH, outcome_days=3
    )
    Arm.objects.create(experiment=made, name="one")
    Arm.objects.create(experiment=made, name="other")
    return made


@pytest.fixture
def films(db: None) -> list[Item]:
    return make_items(4)


def at(day: float) -> datetime:
    return EPOCH + timedelta(days=day)


def show(
    user: User, items: Sequence[Item], arm: str = "trial/one", *, day: float = 0.0, seen: int = 0
) -> RecommendationSession:
    slots = [
        {"item_id": item.pk, "rank": rank, "score": 0.5, "base_score": 0.5, "method": "als", "source": "als"}
        for rank, item in enumerate(items, 1)
    ]
    return RecommendationSession.objects.create(
        pk=uuid4(),
        user=user,
        use_case="movie_home",
        method="als",
        experiment_arm=arm,
        recommendations_shown=slots,
        seen_rank=seen,
        created_at=at(day),
    )


def act(session: RecommendationSession, item: Item, type_name: str = "like", *, day: float = 0.0) -> None:
    record_interaction(
        user_id=session.user_id,
        item_id=item.pk,
        type_name=type_name,
        session_id=session.pk,
        occurred_at=at(day),
    )


def people_of(experiment: Experiment) -> People:
    return read_people(experiment, list(experiment.arms.all()))


@pytest.fixture(autouse=True)
def _old_lists_may_be_named(settings: object) -> None:
    settings.RECOMMENDATION_SESSION_DAYS = 100_000  # type: ignore[attr-defined]


def test_a_person_is_what_came_of_the_lists_of_their_first_days(
    experiment: Experiment, films: list[Item], person: User, other_person: User
) -> None:
    second = show(other_person, films, "trial/other", day=1, seen=2)
    act(second, films[1], "watched", day=1)
    first = show(person, films, day=0.5, seen=3)
    act(first, films[0], day=0.5)
    act(first, films[0], "favorite", day=0.6)
    act(first, films[2], "dislike", day=0.5)
    # After the three days nothing counts any more, neither lists nor deeds.
    show(person, films, day=4, seen=4)
    act(first, films[1], day=4)
    people = people_of(experiment)
    assert people.user_ids.tolist() == [person.pk, other_person.pk]
    assert people.arms.tolist() == [0, 1]
    assert people.lists.tolist() == [2, 1]
    assert people.seen.tolist() == [3, 2]
    # Two interactions with one slot are one engagement, and a rating is no success of this use case.
    assert people.engaged.tolist() == [1, 0]
    assert people.disliked.tolist() == [1, 0]
    assert people.first.tolist() == [at(0.5).timestamp(), at(1).timestamp()]
    assert people.ndcg[0] == pytest.approx(1.0)
    # Seen were one passed over at rank 1, which is no gain, and one watched at rank 2.
    assert people.ndcg[1] == pytest.approx(1 / np.log2(3))


def test_only_lists_that_went_through_the_arms_count(
    experiment: Experiment, films: list[Item], person: User
) -> None:
    show(person, films, "")
    show(person, films, "trial/unknown")
    show(person, films, "another/one")
    show(person, films, "trial/one", day=-1)
    assert len(people_of(experiment)) == 0
    show(person, films)
    assert people_of(experiment).lists.tolist() == [1]


def test_a_slot_that_something_was_done_with_was_seen(
    experiment: Experiment, films: list[Item], person: User
) -> None:
    act(show(person, films), films[2])
    assert people_of(experiment).seen.tolist() == [3]


def test_what_is_taken_back_in_time_was_never_done_and_later_it_was(
    experiment: Experiment, films: list[Item], person: User, other_person: User
) -> None:
    for user in (person, other_person):
        session = show(user, films, seen=4)
        act(session, films[0])
        made = save_dislike(
            user_id=user.pk, item=films[1], reason="other", session_id=session.pk, occurred_at=at(0)
        )
        undo_dislike(user_id=user.pk, dislike_id=made.dislike.pk)
        withdraw_state(user_id=user.pk, item_id=films[0].pk, type_name="like")
    # Taken back now, long after the three days.
    assert people_of(experiment).engaged.tolist() == [1, 1]
    assert people_of(experiment).disliked.tolist() == [1, 1]
    person.interactions.update(withdrawn_at=at(2))
    assert sorted(people_of(experiment).engaged.tolist()) == [0, 1]
    assert sorted(people_of(experiment).disliked.tolist()) == [0, 1]


def test_a_site_that_had_only_clicks_is_compared_by_its_clicks(
    experiment: Experiment, films: list[Item], person: User, other_person: User
) -> None:
    for user, type_name in ((person, "click"), (other_person, "like")):
        act(show(user, films, seen=4), films[0], type_name, day=0.5)
    assert people_of(experiment).engaged.tolist() == [0, 1]
    UserInteraction.objects.create(
        user=make_user(), item=films[0], type="click", weight=0.5, occurred_at=at(-9)
    )
    assert people_of(experiment).engaged.tolist() == [1, 1]


def test_a_dislike_that_staff_took_for_abuse_does_not_count(
    experiment: Experiment, films: list[Item], person: User
) -> None:
    session = show(person, films, seen=4)
    save_dislike(user_id=person.pk, item=films[0], reason="other", session_id=session.pk, occurred_at=at(0))
    assert people_of(experiment).disliked.tolist() == [1]
    Dislike.objects.update(review_state=Dislike.ReviewState.EXCLUDED)
    assert people_of(experiment).disliked.tolist() == [0]


def test_reading_takes_as_many_queries_for_many_people_as_for_few(
    experiment: Experiment, films: list[Item]
) -> None:
    counts = []
    for how_many in (2, 12):
        for _ in range(how_many):
            act(show(make_user(), films, seen=4), films[0])
        arms = list(experiment.arms.select_related("experiment"))
        with CaptureQueriesContext(connection) as queries:
            read_people(experiment, arms)
        counts.append(len(queries))
    assert counts == [4, 4]


def test_who_comes_while_the_log_is_read_is_left_for_the_next_look(
    experiment: Experiment, films: list[Item], person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(person, films, seen=2)

    def somebody_comes_first(sessions: QuerySet[RecommendationSession]) -> Iterator[SessionChunk]:
        act(show(make_user(), films, seen=4), films[0])
        return read_sessions(sessions)

    monkeypatch.setattr("experiments.outcomes.read_sessions", somebody_comes_first)
    people = people_of(experiment)
    assert people.user_ids.tolist() == [person.pk]
    assert people.seen.tolist() == [2]
    assert people.engaged.tolist() == [0]


def invented(n: int, *, seed: int = 0, lift: float = 0.0, per_day: float = 50.0, lost: float = 0.0) -> People:
    """People who arrive evenly; those of the second arm engage more by `lift`."""
    rng = np.random.default_rng(seed)
    arms = rng.integers(0, 2, size=n)
    seen = np.full(n, 20)
    engaged = rng.binomial(seen, 0.15 + lift * arms)
    people = People(
        user_ids=np.arange(n),
        arms=arms,
        first=EPOCH.timestamp() + 86_400 * np.arange(n) / per_day,
        lists=np.ones(n, dtype=np.int64),
        seen=seen,
        engaged=engaged,
        disliked=rng.binomial(seen - engaged, 0.05),
        ndcg=rng.beta(4, 2, size=n),
    )
    kept = ~((arms == 1) & (rng.random(n) < lost))
    return People(**{name: getattr(people, name)[kept] for name in People.__slots__})


def arms_of(experiment: Experiment) -> list[Arm]:
    return list(experiment.arms.select_related("experiment"))


def test_a_person_counts_once_their_days_are_over(experiment: Experiment) -> None:
    report = report_on(experiment, arms_of(experiment), invented(500), at(8))
    # 50 a day for 8 days, of whom those of the last three do not count yet, and one more on the minute.
    assert sum(arm.counted for arm in report.arms) == 251
    assert sum(arm.slots_seen for arm in report.arms) == 251 * 20


def test_a_real_difference_is_told_with_its_direction(experiment: Experiment) -> None:
    report = report_on(experiment, arms_of(experiment), invented(1_000, lift=0.05), LATER)
    assert report.is_found
    page = describe(report)
    assert len(page.findings) == 1
    assert page.findings[0].text.startswith("Engagement is higher with other than with one: +0.0")
    assert page.findings[0].tone == "better"
    worse = describe(report_on(experiment, arms_of(experiment), invented(1_000, lift=-0.05), LATER))
    assert "lower with other" in worse.findings[0].text
    assert worse.findings[0].tone == "worse"


def test_where_nothing_differs_nothing_is_claimed(experiment: Experiment) -> None:
    arms = arms_of(experiment)
    claims = sum(report_on(experiment, arms, invented(800, seed=seed), LATER).is_found for seed in range(40))
    assert claims <= 5
    page = describe(report_on(experiment, arms, invented(800), LATER))
    assert page.findings[0].text.startswith("No difference found so far.")


def test_before_anybody_counts_it_says_that_it_is_too_early(experiment: Experiment) -> None:
    page = describe(report_on(experiment, arms_of(experiment), invented(100), at(1)))
    assert page.findings[0].text.startswith("Too early to tell.")
    assert page.differences == ()


def test_a_log_without_anybody_is_no_error(experiment: Experiment) -> None:
    page = describe(make_report(experiment))
    assert page.findings[0].text.startswith("Too early to tell.")
    assert [row.people for row in page.arms] == ["0", "0"]


def test_an_arm_that_loses_people_discredits_the_comparison(experiment: Experiment) -> None:
    people = invented(4_000, lift=0.1, lost=0.2)
    report = report_on(experiment, arms_of(experiment), people, LATER)
    assert report.ratio.is_alarming
    page = describe(report)
    assert [finding.tone for finding in page.findings] == ["warn"]
    assert "not spread as they were drawn" in page.ratio.text


def test_people_of_one_arm_who_see_nothing_are_noticed_as_well(experiment: Experiment) -> None:
    people = invented(4_000)
    people.seen[(people.arms == 1) & (np.arange(4_000) % 4 == 0)] = 0
    report = report_on(experiment, arms_of(experiment), people, LATER)
    assert report.ratio.came.found_after is None
    assert report.ratio.is_alarming


def test_a_weight_is_what_people_are_expected_by(experiment: Experiment) -> None:
    rng = np.random.default_rng(0)
    people = invented(2_000)
    people.arms[:] = rng.random(2_000) < 0.25
    assert report_on(experiment, arms_of(experiment), people, LATER).ratio.is_alarming
    experiment.arms.filter(name="one").update(weight=3)
    assert not report_on(experiment, arms_of(experiment), people, LATER).ratio.is_alarming


def test_of_an_arm_that_was_switched_off_only_those_count_whose_days_were_over(
    experiment: Experiment,
) -> None:
    experiment.arms.filter(name="other").update(switched_off_at=at(10))
    people = invented(1_000, lift=0.3)
    # From the tenth day on nobody comes to it any more, and the sample ratio does not hold that against it.
    kept = (people.arms == 0) | (people.first < at(10).timestamp())
    people = People(**{name: getattr(people, name)[kept] for name in People.__slots__})
    report = report_on(experiment, arms_of(experiment), people, LATER)
    one, other = report.arms
    assert one.counted == one.people
    assert other.counted == ((people.arms == 1) & (people.first <= at(7).timestamp())).sum()
    assert not report.ratio.is_alarming
    both = report.comparisons[0].figures["engagement"].test.found_after
    assert both is not None
    assert both <= (people.first <= at(7).timestamp()).sum()


def test_after_the_end_nothing_changes(experiment: Experiment) -> None:
    experiment.stopped_at = at(9)
    people = invented(1_000)
    reports = [report_on(experiment, arms_of(experiment), people, at(day)) for day in (9, 90)]
    assert reports[0].arms[0].figures == reports[1].arms[0].figures
    assert reports[0].comparisons == reports[1].comparisons
