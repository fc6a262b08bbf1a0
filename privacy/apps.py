"""The app of export and erasure, as Django knows it."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"
