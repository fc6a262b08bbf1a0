"""The OpenAPI document as an address."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers

from core.api import ApiView


class SchemaQuery(serializers.Serializer[Any]):
    """The query string of the document, as drf-spectacular reads it."""

    lang = serializers.CharField(required=False)
    version = serializers.CharField(required=False)


class SchemaView(SpectacularAPIView, ApiView):
    """The document, where no parameter is ignored either."""

    queries = {"get": SchemaQuery}
