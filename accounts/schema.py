"""Descriptions of our authentication for the OpenAPI document; imported by config/urls.py."""

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Description of the service token for the OpenAPI document."""

    target_class = "accounts.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <token>`, as printed by `manage.py issue_token`.",
        }


class PageTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Description, for the OpenAPI document, of the token of another site's pages."""

    target_class = "accounts.authentication.PageTokenAuthentication"
    name = "pageToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Page-Token <token>`, as issued by `POST /api/page-token`.",
        }


class OwnSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The browser's session, as drf-spectacular describes it."""

    target_class = "accounts.authentication.OwnSessionAuthentication"
