"""JSON as the API answers it."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

from core.written import Written

_ENCODER = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def write(value: object) -> Written:
    """A value as answers have it: short, with moments as text. Raises ValueError for NaN and infinity."""
    return Written(_ENCODER.encode(value))


# The names of the parts of our answers are few.
_write_name = lru_cache(maxsize=500)(write)


class WrittenJSONRenderer(JSONRenderer):
    """JSON, in which the values of an object may be written already: cards are the same in every list."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes of an answer; with line breaks for `Accept: application/json; indent=4`."""
        if not isinstance(data, dict) or not any(isinstance(value, Written) for value in data.values()):
            return super().render(data, accepted_media_type, renderer_context)
        if self.get_indent(accepted_media_type or "", renderer_context or {}) is not None:
            read = {
                name: json.loads(value) if isinstance(value, Written) else value
                for name, value in data.items()
            }
            return super().render(read, accepted_media_type, renderer_context)
        members = (
            f"{_write_name(name)}:{value if isinstance(value, Written) else write(value)}"
            for name, value in data.items()
        )
        text = f"{{{','.join(members)}}}"
        # Line ends in JavaScript, as the renderer of the framework has it.
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
