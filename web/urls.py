"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.decorators.gzip import gzip_page

import catalog.converters  # noqa: F401  registers the converters used below
from core.domain import DOMAIN
from web import (
    account,
    account_profiles,
    carousels,
    feed,
    feedback,
    history,
    importing,
    logo,
    mail_links,
    my_data,
    roles,
    root,
    searching,
    signup,
    taste,
    together,
    views,
    what_if,
)

# Django's view has a site of its own, which is the host.
_SITE = {"site": DOMAIN.site}
# The pages with posters, which are drawn in the page, shrink to a sixth.
urlpatterns = [
    path("", gzip_page(root.feed_or_health), name="feed"),
    path("logo", logo.logo, name="logo"),
    path("list/", gzip_page(feed.feed_again), name="feed-again"),
    path("feedback", root.feedback_or_page),
    path("items/<id:item_id>/", gzip_page(views.item), name="item"),
    path("items/<id:item_id>/act/", views.act, name="act"),
    path("items/<id:item_id>/dislike/", feedback.dislike, name="dislike"),
    path("feedback/", feedback.feedback, name="feedback"),
    path("feedback/<id:dislike_id>/undo/", feedback.undo, name="dislike-undo"),
    path("feedback/wishes/<id:wish_id>/end/", feedback.end_wish, name="wish-end"),
    path("feedback/say/", feedback.say, name="say"),
    path("feedback/allow/<id:item_id>/", feedback.allow, name="allow"),
    path("because/", gzip_page(carousels.because), name="because"),
    path("because/rows/", gzip_page(carousels.rows), name="because-rows"),
    path("taste/", taste.taste, name="taste"),
    path("taste/titles/", taste.titles, name="taste-titles"),
    path("taste/rate/", taste.rate, name="taste-rate"),
    path("taste/reset/", taste.reset, name="taste-reset"),
    path("together/", gzip_page(together.together), name="together"),
    path("what-if/", gzip_page(what_if.what_if_page), name="what-if"),
    path("search/", gzip_page(searching.search), name="search"),
    path("watchlist/", gzip_page(views.watchlist), name="watchlist"),
    path("history/", gzip_page(history.history), name="history"),
    path("history/import/", gzip_page(importing.import_history), name="history-import"),
    path("history/<id:act_id>/undo/", history.undo, name="history-undo"),
    path("history/looks/<id:item_id>/forget/", history.forget, name="history-forget"),
    path("roles/", roles.roles, name="roles"),
    path("welcome/", gzip_page(signup.welcome), name="welcome"),
    path("accounts/signup/", signup.sign_up, name="signup"),
    path(
        "accounts/login/",
        LoginView.as_view(redirect_authenticated_user=True, extra_context=_SITE),
        name="login",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/", account.account, name="account"),
    path("accounts/mail/", account.change_mail, name="account-mail"),
    path("accounts/mail/send/", account.send_confirmation, name="mail-send"),
    path("accounts/mail/<str:token>/", mail_links.confirm_mail, name="mail-confirm"),
    path("accounts/everywhere/", account.log_out_everywhere, name="log-out-everywhere"),
    path("accounts/password/", account.change_password, name="password-change"),
    path("accounts/forgotten/", account.ForgottenPasswordView.as_view(), name="password-forgotten"),
    path("accounts/new/<uidb64>/<token>/", account.NewPasswordView.as_view(), name="password-new"),
    path("accounts/profiles/", account_profiles.account_profiles, name="account-profiles"),
    path("accounts/profiles/<id:profile_id>/", account_profiles.change_profile, name="profile-change"),
    path("accounts/profiles/<id:profile_id>/name/", account_profiles.name_profile, name="profile-name"),
    path("accounts/profiles/<id:profile_id>/end/", account_profiles.end_profile, name="profile-end"),
    path("accounts/data/", my_data.data, name="my-data"),
    path("accounts/data/download/", my_data.download, name="my-data-download"),
    path("accounts/data/erase/", my_data.erase, name="my-data-erase"),
]
