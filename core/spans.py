"""Spans of a trace: what took how long within what. While traces are off one costs a comparison.

`core.traces` turns them on. A span says names and counts, never what a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer

Attributes: TypeAlias = Mapping[str, str | int]

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: Tracer | None = None


def use_tracer(tracer: Tracer | None) -> None:
    """Has this process make its spans by `tracer` from now on; None for no spans."""
    global _tracer
    _tracer = tracer


def span(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: SpanKind | None = None,
    within: Context | None = None,
) -> AbstractContextManager[Span | None]:
    """The block as a span; None where traces are off.

    `within` is the context of a caller in another process; left out, it is that of this thread.
    """
    return _OFF if _tracer is None else _opened(_tracer, name, attributes, kind, within)


@contextmanager
def _opened(
    tracer: Tracer,
    name: str,
    attributes: Attributes | None,
    kind: SpanKind | None,
    within: Context | None,
) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind, StatusCode

    with tracer.start_as_current_span(
        name,
        context=within,
        kind=SpanKind.INTERNAL if kind is None else kind,
        attributes=attributes,
        # The text of an error may name a person; its kind does not.
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            opened.set_status(StatusCode.ERROR)
            opened.set_attribute("error.type", type(error.__cause__ or error).__name__)
            raise
