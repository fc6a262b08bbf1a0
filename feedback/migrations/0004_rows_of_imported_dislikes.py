"""Each dislike that came in bulk or by import gets the row that one said without a reason has."""

from datetime import timedelta

from django.conf import settings
from django.db import migrations
from django.utils import timezone

from core.domain import DOMAIN, REASONS

BATCH = 1000


def complete(apps, schema_editor):
    Interaction = apps.get_model("interactions", "UserInteraction")
    Dislike = apps.get_model("feedback", "Dislike")
    Example = apps.get_model("feedback", "NegativeTrainingExample")
    Adjustment = apps.get_model("feedback", "FeatureAdjustment")
    ItemFacet = apps.get_model("catalog", "ItemFacet")
    reason = REASONS[DOMAIN.dislikes.plain]
    weight, shares = settings.DISLIKE_EXAMPLE_WEIGHT * reason.weight, reason.shares()
    oldest = timezone.now() - timedelta(days=7 * settings.DISLIKE_HALF_LIFE_DAYS)
    lacking = Interaction.objects.filter(type="dislike", withdrawn_at=None, dislike=None).order_by("pk")
    while rows := list(lacking.select_related("item", "recommendation_session")[:BATCH]):
        dislikes = Dislike.objects.bulk_create(
            Dislike(
                user_id=row.user_id,
                item_id=row.item_id,
                title=row.item.title,
                interaction=row,
                session=row.recommendation_session,
                use_case=row.recommendation_session.use_case if row.recommendation_session else "",
                model_version=row.recommendation_session.model_version if row.recommendation_session else "",
                rank=row.recommendation_rank,
                predicted_score=row.recommendation_score,
                context_source="import",
                reason=reason.name,
                review_state="imported",
                created_at=row.occurred_at,
            )
            for row in rows
        )
        if weight:
            Example.objects.bulk_create(
                Example(
                    dislike=one,
                    predicted=one.predicted_score,
                    error=one.predicted_score,
                    weight=weight,
                    created_at=one.created_at,
                )
                for one in dislikes
            )
        fresh = {}
        for one in dislikes:
            if one.created_at > oldest:
                fresh.setdefault(one.item_id, []).append(one)
        facets = ItemFacet.objects.filter(item_id__in=list(fresh), facet__kind__in=list(shares))
        Adjustment.objects.bulk_create(
            (
                Adjustment(dislike=one, facet_id=facet_id, delta=-shares[kind])
                for item_id, facet_id, kind in facets.values_list("item_id", "facet_id", "facet__kind")
                for one in fresh[item_id]
            ),
            batch_size=BATCH,
        )


class Migration(migrations.Migration):

    dependencies = [
        ("feedback", "0003_dislike_contract"),
        ("catalog", "0001_initial"),
        ("interactions", "0001_initial"),
    ]

    operations = [migrations.RunPython(complete, migrations.RunPython.noop, elidable=True)]
