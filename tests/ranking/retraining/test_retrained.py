"""Retraining: trained before a cut, evaluated after it. Every test stands on one run that went well."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from shutil import copytree

import numpy as np
import pytest
from pytest_django import DjangoDbBlocker, Settings

from catalog.models import Item
from interactions.models import UserInteraction
from ranking.datasets.manifest import newest_dataset, read_manifest
from ranking.features import FEATURES
from ranking.models import ModelVersion
from ranking.recommenders.als.file import load_als
from ranking.recommenders.ranker.file import load_ranker
from ranking.registry.lineage import EVALUATED_UNTIL, learned_until, seen_until
from ranking.registry.versions import read_verified
from ranking.retraining import publishing
from ranking.retraining.cleanup import note_path
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_items
from tests.ranking.retraining.builders import NOW, SEED, Retrained, make_people, of, rolled_back, run, serve

Status = ModelVersion.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def retrained(
    _small: None,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Retrained]:
    folder = tmp_path_factory.mktemp("retrained")
    with rolled_back(django_db_blocker, folder):
        films = make_items(20)
        make_people(films)
        yield Retrained(films, serve(films), run(seed=SEED), folder)


@pytest.fixture(autouse=True)
def _own_folders(_own_state: None, retrained: Retrained, settings: Settings) -> None:
    """A copy of the folders for each test, where the settings point."""
    copytree(retrained.folder, settings.MODEL_DIR.parent, dirs_exist_ok=True)


class TestRun:
    def test_what_is_better_serves_and_knows_all_that_made_it(self, retrained: Retrained) -> None:
        before, summary = retrained.before, retrained.summary
        als = of("als")
        assert summary.outcomes[0] == publishing.Outcome(als.label, Status.ACTIVE, als.why)
        assert "over 16 people against active" in als.why
        assert (summary.people_evaluated, summary.examples_used) == (16, 0)
        assert summary.lists_evaluated > 20
        before.refresh_from_db()
        assert (before.status, als.parent) == (Status.ARCHIVED, before)
        assert load_als(read_verified(als)).item_ids.tolist() == [film.pk for film in retrained.films]
        assert als.hyper_parameters["factors"] == 4
        report = als.evaluation()
        assert report is not None
        names = [one.name for one in report.results]
        assert names[:3] == ["candidate", "active", "popularity"]
        assert report.results[0].gate is not None
        assert report.results[0].gate.passed
        ranker = of("ranker")
        assert summary.outcomes[-1].version == ranker.label
        assert load_ranker(read_verified(ranker)).probabilities(np.zeros((1, len(FEATURES)), np.float32))
        assert "candidate" not in {version.status for version in ModelVersion.objects.all()}
        assert not note_path("movie_home").exists()

    @pytest.mark.slow
    def test_neither_learns_from_what_it_is_evaluated_on(self, retrained: Retrained) -> None:
        manifest = of("als").dataset_manifest
        cut = datetime.fromisoformat(manifest["window_end"])
        assert of("ranker").dataset_manifest["window_end"] == manifest["window_end"]
        assert manifest[EVALUATED_UNTIL] == NOW.isoformat()
        later = UserInteraction.objects.filter(occurred_at__gt=EPOCH + timedelta(days=8))
        assert later.filter(occurred_at__gte=cut).count() == pytest.approx(later.count() / 2, rel=0.1)
        assert learned_until()["movie_home"] == cut
        assert seen_until(ModelVersion.objects.filter(status="active")) == cut.timestamp()
        # Other commands take the newest dataset, which reaches to the end.
        newest = read_manifest(newest_dataset("ranker", "movie_home"), kind="ranker", use_case="movie_home")
        assert newest.window_end == NOW.isoformat()
        # The next run is evaluated on what is newer still.
        run(seed=SEED)
        assert datetime.fromisoformat(of("als").dataset_manifest["window_end"]) > cut

    @pytest.mark.slow
    def test_what_was_done_after_the_cut_teaches_no_list_from_before_it(self, retrained: Retrained) -> None:
        learned = of("ranker").dataset_manifest["counts"]["liked"]
        ModelVersion.objects.all().delete()
        serve(retrained.films)
        old = RecommendationSession.objects.order_by("created_at")[0]
        item = Item.objects.get(pk=old.recommendations_shown[0]["item_id"])
        UserInteraction.objects.filter(recommendation_session=old).update(
            occurred_at=EPOCH + timedelta(days=36)
        )
        assert UserInteraction.objects.filter(item=item).exists()
        run(seed=SEED)
        assert of("ranker").dataset_manifest["counts"]["liked"] == learned - 1

    @pytest.mark.slow
    def test_one_seed_gives_the_same_models(self, retrained: Retrained) -> None:
        first = {kind: of(kind).sha256 for kind in ("als", "ranker")}
        ModelVersion.objects.all().delete()
        serve(retrained.films)
        run(seed=SEED)
        assert {kind: of(kind).sha256 for kind in ("als", "ranker")} == first
