"""The app of files to rows, as Django knows it."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
