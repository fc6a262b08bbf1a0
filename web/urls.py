"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

import catalog.urls  # noqa: F401  registers the converters used below
from web import carousels, feedback, joining, searching, taste, views

urlpatterns = [
    path("", views.feed, name="feed"),
    path("items/<id:item_id>/", views.item, name="item"),
    path("items/<id:item_id>/act/", views.act, name="act"),
    path("items/<id:item_id>/dislike/", feedback.dislike, name="dislike"),
    path("feedback/", feedback.feedback, name="feedback"),
    path("feedback/<id:dislike_id>/undo/", feedback.undo, name="dislike-undo"),
    path("because/", carousels.because, name="because"),
    path("because/rows/", carousels.rows, name="because-rows"),
    path("taste/", taste.taste, name="taste"),
    path("taste/titles/", taste.titles, name="taste-titles"),
    path("taste/rate/", taste.rate, name="taste-rate"),
    path("taste/reset/", taste.reset, name="taste-reset"),
    path("search/", searching.search, name="search"),
    path("watchlist/", views.watchlist, name="watchlist"),
    path("welcome/", joining.welcome, name="welcome"),
    path("accounts/signup/", joining.sign_up, name="signup"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
]
