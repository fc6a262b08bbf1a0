"""Every address of the product."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

import accounts.schema  # noqa: F401  registers how the OpenAPI document describes our tokens
import catalog.converters  # noqa: F401  registers the converters used below
from accounts.api import CheckAuthView, RolesView
from accounts.page_token_api import PageTokenView
from catalog.api import ItemListView
from console.api import FeedbackMetricsView
from feedback.api import (
    DislikeDetailView,
    DislikeHistoryView,
    DislikePatternsView,
    DislikeView,
    ItemDislikeView,
)
from feedback.completion import record_with_dislikes
from imports.api import ItemByExternalIdView, ItemsView
from interactions.api import (
    AnalyticsView,
    CollaborationApplyView,
    InteractionsView,
    ItemActionView,
    ItemDetailView,
)
from privacy.api import PersonByExternalIdView
from profiles.api import FeedbackView, ProfileView, RateView, TasteVectorView
from recommendations.api import ExternalSessionView, SeenView
from search.api import SearchView
from serving.api import (
    BecauseYouWatchedView,
    BestItemView,
    HealthView,
    PersonalizedListView,
    ReadyView,
    SimilarView,
)

api = [
    path("check-auth", CheckAuthView.as_view(), name="check-auth"),
    path("roles", RolesView.as_view(), name="roles"),
    path("page-token", PageTokenView.as_view(), name="page-token"),
    path("recommendations/personalized/<kinds:kind>", PersonalizedListView.as_view(), name="personalized"),
    path("recommendations/session", ExternalSessionView.as_view(), name="session"),
    path("recommendations/session/<uuid:session_id>/seen", SeenView.as_view(), name="seen"),
    path("recommend", SearchView.as_view(), name="search"),
    path("recommend/<person:user_id>", BestItemView.as_view(), name="best-item"),
    path("because-you-watched", BecauseYouWatchedView.as_view(), name="because-you-watched"),
    path("dislike", DislikeView.as_view(), name="dislike"),
    path("dislike/<id:dislike_id>", DislikeDetailView.as_view(), name="dislike-detail"),
    path("dislike-history", DislikeHistoryView.as_view(), name="dislike-history"),
    path("dislike-patterns", DislikePatternsView.as_view(), name="dislike-patterns"),
    path("feedback-metrics", FeedbackMetricsView.as_view(), name="feedback-metrics"),
    path("feedback", FeedbackView.as_view(), name="feedback"),
    path("profile/<person:user_id>", ProfileView.as_view(), name="profile"),
    path("profile/<person:user_id>/rate", RateView.as_view(), name="profile-rate"),
    path("user/<person:user_id>/profile", TasteVectorView.as_view(), name="taste-vector"),
    path("interactions", InteractionsView.as_view(record=record_with_dislikes), name="interactions"),
    path(
        "analytics/interaction",
        AnalyticsView.as_view(record=record_with_dislikes),
        name="analytics-interaction",
    ),
    path("collaborations/<id:item_id>/apply", CollaborationApplyView.as_view(), name="collaboration-apply"),
    path("items", ItemsView.as_view(), name="kept-items"),
    path("items/<kinds:kind>/<external:external_id>", ItemByExternalIdView.as_view(), name="kept-item"),
    path("users/<person:external_id>", PersonByExternalIdView.as_view(), name="kept-person"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("<kinds:kind>", ItemListView.as_view(), name="items"),
    path("<kinds:kind>/<id:item_id>", ItemDetailView.as_view(), name="item"),
    path("<kinds:kind>/<id:item_id>/similar", SimilarView.as_view(), name="similar"),
    path("<kinds:kind>/<id:item_id>/dislike", ItemDislikeView.as_view(), name="item-dislike"),
    path("<kinds:kind>/<id:item_id>/<slug:action>", ItemActionView.as_view(), name="item-action"),
]

# Addresses that the documents which asked for this name without /api/ (docs/seeds.md): the same views.
at_the_root = [
    path("recommend", SearchView.as_view()),
    path("recommend/<person:user_id>", BestItemView.as_view()),
    path("profile/<person:user_id>", ProfileView.as_view()),
    path("profile/<person:user_id>/rate", RateView.as_view()),
    path("user/<person:user_id>/profile", TasteVectorView.as_view()),
    path("analytics/interaction", AnalyticsView.as_view(record=record_with_dislikes)),
    path("<kinds:kind>", ItemListView.as_view()),
]

admin.autodiscover()
# Redoc searches in a worker that it makes itself.
_redoc = csp_update({"worker-src": ["blob:"]})(SpectacularRedocView.as_view(url_name="api:schema"))

urlpatterns = [
    *at_the_root,
    path("", include("web.urls")),
    path("api/", include((api, "api"))),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    path("redoc", _redoc, name="redoc"),
    path("health", HealthView.as_view(), name="health"),
    path("ready", ReadyView.as_view(), name="ready"),
    path("admin/", admin.site.urls),
]

handler500 = "core.middleware.server_error"
