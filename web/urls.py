"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.decorators.gzip import gzip_page

import catalog.converters  # noqa: F401  registers the converters used below
from web import carousels, feedback, my_data, roles, root, searching, signup, taste, views

# The pages with posters, which are drawn in the page, shrink to a sixth.
urlpatterns = [
    path("", gzip_page(root.feed_or_health), name="feed"),
    path("feedback", root.feedback_or_page),
    path("items/<id:item_id>/", gzip_page(views.item), name="item"),
    path("items/<id:item_id>/act/", views.act, name="act"),
    path("items/<id:item_id>/dislike/", feedback.dislike, name="dislike"),
    path("feedback/", feedback.feedback, name="feedback"),
    path("feedback/<id:dislike_id>/undo/", feedback.undo, name="dislike-undo"),
    path("because/", gzip_page(carousels.because), name="because"),
    path("because/rows/", gzip_page(carousels.rows), name="because-rows"),
    path("taste/", taste.taste, name="taste"),
    path("taste/titles/", taste.titles, name="taste-titles"),
    path("taste/rate/", taste.rate, name="taste-rate"),
    path("taste/reset/", taste.reset, name="taste-reset"),
    path("search/", gzip_page(searching.search), name="search"),
    path("watchlist/", gzip_page(views.watchlist), name="watchlist"),
    path("roles/", roles.roles, name="roles"),
    path("welcome/", gzip_page(signup.welcome), name="welcome"),
    path("accounts/signup/", signup.sign_up, name="signup"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/data/", my_data.data, name="my-data"),
    path("accounts/data/download/", my_data.download, name="my-data-download"),
    path("accounts/data/erase/", my_data.erase, name="my-data-erase"),
]
