"""Every address of the product."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

import accounts.schema  # noqa: F401  registers how the OpenAPI document describes our tokens
import catalog.converters  # noqa: F401  registers the converters used below
from accounts.api import CheckAuthView, RolesView
from accounts.page_token_api import PageTokenView
from catalog.api import ItemListView
from config.schema import SchemaView
from console.api import FeedbackMetricsView
from console.as_person import as_person
from console.bursts import bursts, count_again, discount
from console.item_page import item_page
from console.metrics.view import metrics
from exports.api import ExportDislikesView, ExportInteractionsView, ExportItemsView
from feedback.api import (
    DislikeDetailView,
    DislikeHistoryView,
    DislikePatternsView,
    DislikeView,
    ItemDislikeView,
)
from feedback.completion import record_many_with_dislikes, record_with_dislikes
from feedback.wish_api import WishView
from imports.api import ItemByExternalIdView, ItemsView
from interactions.api import (
    AnalyticsView,
    CollaborationApplyView,
    InteractionsView,
    ItemActionView,
    ItemDetailView,
)
from privacy.account_profile_api import AccountProfilesView, AccountProfileView
from privacy.api import PersonByExternalIdView
from profiles.api import FeedbackView, ProfileView, RateView, TasteVectorView
from recommendations.api import ExternalSessionView, SeenView
from search.api import SearchView
from search.history_api import ReadHistoryView
from search.wish_api import ParseWishesView, SaidWishesView
from serving.api import (
    BecauseYouWatchedView,
    BestItemView,
    HealthView,
    PersonalizedListView,
    ReadyView,
    SimilarView,
)
from serving.together_api import InvitationView, TogetherView

# Dislikes are of an app above that of interactions.
_writes = {"record": record_with_dislikes, "record_many": record_many_with_dislikes}

api = [
    path("check-auth", CheckAuthView.as_view(), name="check-auth"),
    path("roles", RolesView.as_view(), name="roles"),
    path("page-token", PageTokenView.as_view(), name="page-token"),
    path("recommendations/personalized/<kinds:kind>", PersonalizedListView.as_view(), name="personalized"),
    path("recommendations/together", InvitationView.as_view(), name="invitation"),
    path("recommendations/together/<kinds:kind>", TogetherView.as_view(), name="together"),
    path("recommendations/session", ExternalSessionView.as_view(), name="session"),
    path("recommendations/session/<uuid:session_id>/seen", SeenView.as_view(), name="seen"),
    path("recommend", SearchView.as_view(), name="search"),
    path("recommend/<person:user_id>", BestItemView.as_view(), name="best-item"),
    path("because-you-watched", BecauseYouWatchedView.as_view(), name="because-you-watched"),
    path("dislike", DislikeView.as_view(), name="dislike"),
    path("dislike/<id:dislike_id>", DislikeDetailView.as_view(), name="dislike-detail"),
    path("dislike-history", DislikeHistoryView.as_view(), name="dislike-history"),
    path("wishes", SaidWishesView.as_view(), name="wishes"),
    path("wishes/parse", ParseWishesView.as_view(), name="wishes-parse"),
    path("wishes/<id:wish_id>", WishView.as_view(), name="wish"),
    path("history/read", ReadHistoryView.as_view(), name="history-read"),
    path("dislike-patterns", DislikePatternsView.as_view(), name="dislike-patterns"),
    path("feedback-metrics", FeedbackMetricsView.as_view(), name="feedback-metrics"),
    path("feedback", FeedbackView.as_view(), name="feedback"),
    path("profile/<person:user_id>", ProfileView.as_view(), name="profile"),
    path("profile/<person:user_id>/rate", RateView.as_view(), name="profile-rate"),
    path("user/<person:user_id>/profile", TasteVectorView.as_view(), name="taste-vector"),
    path("interactions", InteractionsView.as_view(**_writes), name="interactions"),
    path("analytics/interaction", AnalyticsView.as_view(**_writes), name="analytics-interaction"),
    path("collaborations/<id:item_id>/apply", CollaborationApplyView.as_view(), name="collaboration-apply"),
    path("items", ItemsView.as_view(), name="kept-items"),
    path("items/<kinds:kind>/<external:external_id>", ItemByExternalIdView.as_view(), name="kept-item"),
    path("users/<person:external_id>", PersonByExternalIdView.as_view(), name="kept-person"),
    path("account/profiles", AccountProfilesView.as_view(), name="account-profiles"),
    path("account/profiles/<id:profile_id>", AccountProfileView.as_view(), name="account-profile"),
    path("export/items", ExportItemsView.as_view(), name="export-items"),
    path("export/interactions", ExportInteractionsView.as_view(), name="export-interactions"),
    path("export/dislikes", ExportDislikesView.as_view(), name="export-dislikes"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("<kinds:kind>", ItemListView.as_view(), name="items"),
    path("<kinds:kind>/<id:item_id>", ItemDetailView.as_view(), name="item"),
    path("<kinds:kind>/<id:item_id>/similar", SimilarView.as_view(), name="similar"),
    path("<kinds:kind>/<id:item_id>/dislike", ItemDislikeView.as_view(), name="item-dislike"),
    path("<kinds:kind>/<id:item_id>/<slug:action>", ItemActionView.as_view(), name="item-action"),
]

# Addresses that the commissioning documents name without /api/ (docs/research/seeds.md): the same views.
at_the_root = [
    path("recommend", SearchView.as_view()),
    path("recommend/<person:user_id>", BestItemView.as_view()),
    path("profile/<person:user_id>", ProfileView.as_view()),
    path("profile/<person:user_id>/rate", RateView.as_view()),
    path("user/<person:user_id>/profile", TasteVectorView.as_view()),
    path("analytics/interaction", AnalyticsView.as_view(**_writes)),
    path("<kinds:kind>", ItemListView.as_view()),
]

admin.autodiscover()
# Redoc searches in a worker that it makes itself.
_redoc = csp_update({"worker-src": ["blob:"]})(SpectacularRedocView.as_view(url_name="api:schema"))

# What is answered to OPTIONS has no page there.
_docs = SpectacularSwaggerSplitView.as_view(url_name="api:schema", http_method_names=["get", "head"])

urlpatterns = [
    # First, as addresses are tried in this order and most of what is asked is the API.
    path("api/", include((api, "api"))),
    *at_the_root,
    path("", include("web.urls")),
    path("docs", _docs, name="docs"),
    path("redoc", _redoc, name="redoc"),
    path("health", HealthView.as_view(), name="health"),
    path("ready", ReadyView.as_view(), name="ready"),
    path("metrics", metrics, name="metrics"),
    path("admin/people/<id:user_id>/", admin.site.admin_view(as_person), name="as_person"),
    path("admin/bursts/", admin.site.admin_view(bursts), name="bursts"),
    path("admin/bursts/discount/", admin.site.admin_view(discount), name="discount_burst"),
    path("admin/bursts/count-again/", admin.site.admin_view(count_again), name="count_again"),
    path("admin/items/<id:item_id>/", admin.site.admin_view(item_page), name="item_page"),
    path("admin/", admin.site.urls),
]

handler404 = "core.middleware.not_found"
handler500 = "core.middleware.server_error"
