"""The responses to what was shown, in the table that serving reads, and as of then: the same on both ways."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from accounts.models import User
from catalog.models import Item
from core.demand import RESPONSE_DAYS
from core.domain import USE_CASES
from core.progress import Progress
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from ranking.datasets.backfill import fill_in_features
from ranking.features import FEATURES
from recommendations.models import RecommendationSession
from serving.live import forget_state
from serving.pipeline import recommend
from tests.factories import EPOCH, make_interaction, make_item, make_items, make_user

pytestmark = pytest.mark.django_db

MOVIES = USE_CASES["movie_home"]
LONG, SHORT = RESPONSE_DAYS


def show(
    user: User,
    items: Sequence[Item | int],
    *,
    day: float,
    seen: int,
    use_case: str = "movie_home",
    method: str = "popular",
) -> RecommendationSession:
    return RecommendationSession.objects.create(
        user=user,
        use_case=use_case,
        method=method,
        recommendations_shown=[
            {"item_id": item if isinstance(item, int) else item.pk, "rank": rank}
            for rank, item in enumerate(items, 1)
        ],
        seen_rank=seen,
        created_at=EPOCH + timedelta(days=day),
    )


def act(session: RecommendationSession, item: Item, name: str, *, day: float, rank: int) -> UserInteraction:
    made = make_interaction(session.user, item, name, day=day)
    made.recommendation_session, made.recommendation_rank = session, rank
    made.save()
    return made


def test_what_was_seen_and_what_came_of_it() -> None:
    first, second, third, fourth = make_items(4)
    ann, bob = make_user(), make_user()
    of_ann = show(ann, [first, second, third], day=10, seen=2)
    of_bob = show(bob, [second, first, 10**9, third, fourth], day=3, seen=0)
    show(bob, [first], day=10, seen=1, method="search")
    show(bob, [first], day=10, seen=1, use_case="drama_home")
    act(of_ann, first, "view", day=10, rank=1)
    act(of_ann, first, "like", day=10, rank=1)
    act(of_ann, second, "dislike", day=10, rank=2)
    act(of_bob, third, "like", day=3, rank=4)
    taken_back = act(of_bob, fourth, "like", day=3, rank=5)
    taken_back.withdrawn_at = EPOCH + timedelta(days=4)
    taken_back.save()
    refresh_popularity(now=EPOCH + timedelta(days=10))
    rows = {row.item_id: row for row in ItemPopularity.objects.filter(use_case="movie_home")}
    old, lately = 2 ** (-7 / LONG), 2 ** (-7 / SHORT)
    chance = {rank: 1 / np.log2(rank + 1) for rank in range(1, 5)}
    assert rows[first.pk].examined == pytest.approx(chance[1] + old * chance[2])
    assert rows[first.pk].examined_lately == pytest.approx(chance[1] + lately * chance[2])
    assert rows[second.pk].examined == pytest.approx(chance[2] + old * chance[1])
    assert rows[third.pk].examined == pytest.approx(old * chance[4])
    assert (rows[first.pk].engaged, rows[first.pk].refused) == (1.0, 0.0)
    assert (rows[second.pk].engaged, rows[second.pk].refused) == (0.0, 1.0)
    assert rows[third.pk].engaged == pytest.approx(old)
    assert fourth.pk not in rows


def test_trends_fade_by_their_half_lives() -> None:
    item = make_item()
    make_interaction(make_user(), item, "like", day=10)
    make_interaction(make_user(), item, "like", day=9)
    refresh_popularity(now=EPOCH + timedelta(days=10))
    row = ItemPopularity.objects.get(use_case="movie_home", item=item)
    trends = [2.0 * (1 + 2 ** (-1 / days)) for days in (1, 7, 30)]
    assert [row.trend_1, row.trend_7, row.trend_30] == pytest.approx(trends)


def test_serving_logs_of_what_was_shown_what_is_computed_afterwards() -> None:
    items = make_items(6, genres=["Drama"])
    ann, bob = make_user(), make_user()
    of_bob = show(bob, items, day=3, seen=6)
    act(of_bob, items[1], "like", day=3, rank=2)
    of_ann = show(ann, items[:4], day=4, seen=3)
    act(of_ann, items[2], "view", day=4, rank=3)
    now = EPOCH + timedelta(days=5)
    refresh_popularity(now=now)
    forget_state()
    served = recommend(user_id=ann.pk, use_case=MOVIES, now=now)
    session = RecommendationSession.objects.get(pk=served.session_id)
    logged = np.frombuffer(bytes(session.features or b""), dtype="<f4").reshape(-1, len(FEATURES))
    named = dict(zip(FEATURES, logged.T, strict=True))
    assert named["response_rate"].max() > named["response_rate"].min()
    assert named["passed_over"].max() == pytest.approx(1.0)
    assert named["slots_seen"] == pytest.approx(np.log(4))
    RecommendationSession.objects.filter(pk=session.pk).update(features=None)
    fill_in_features(use_case=MOVIES, progress=Progress("features", quiet=True), until=now)
    session.refresh_from_db()
    again = np.frombuffer(bytes(session.features or b""), dtype="<f4").reshape(-1, len(FEATURES))
    columns = [place for place, name in enumerate(FEATURES) if name != "model_place"]
    assert again[:, columns] == pytest.approx(logged[:, columns], abs=2e-3, nan_ok=True)


def test_what_is_shown_or_done_at_the_moment_or_later_changes_no_feature() -> None:
    items = make_items(4, genres=["Drama"])
    ann, bob = make_user(), make_user()
    earlier = show(ann, items, day=3, seen=4)
    act(earlier, items[1], "like", day=3, rank=2)
    asked = show(ann, items, day=10, seen=4)

    def features() -> bytes:
        RecommendationSession.objects.filter(pk=asked.pk).update(features=None)
        fill_in_features(use_case=MOVIES, progress=Progress("features", quiet=True))
        asked.refresh_from_db()
        return bytes(asked.features or b"")

    before = features()
    for day in (10.0, 11.0):
        later = show(bob, items, day=day, seen=4)
        act(later, items[0], "like" if day == 10.0 else "view", day=day, rank=1)
        act(asked, items[0], "like" if day == 10.0 else "view", day=day, rank=1)
        act(later, items[3], "dislike" if day == 10.0 else "view", day=day, rank=4)
    assert features() == before
