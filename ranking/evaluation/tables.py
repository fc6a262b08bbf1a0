"""A report's figures by segment and by source: as tables for its pages, and a contender as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from core.charts import interval_text
from ranking.evaluation_report import (
    FIGURES,
    ITEM_SEGMENTS,
    PEOPLE_SEGMENTS,
    SEGMENTS,
    EvaluationReport,
    EvaluationResult,
    RefusalPoint,
    SegmentName,
    SegmentResult,
)


@dataclass(frozen=True, slots=True)
class TableView:
    """A row for each contender or source, with a text in each column."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def segment_tables(results: Sequence[EvaluationResult]) -> Iterator[TableView]:
    """A table of each figure that any contender has by segment, first of people, then of items."""
    for segments in (PEOPLE_SEGMENTS, ITEM_SEGMENTS):
        for figure in FIGURES:
            table = _segment_table(figure, segments, results)
            if table.columns:
                yield table


def _segment_table(
    figure: str, segments: Mapping[str, SegmentName], results: Sequence[EvaluationResult]
) -> TableView:
    found = {
        (result.name, one.name): one
        for result in results
        for one in result.segments
        if one.name in segments and figure in one.figures
    }
    columns = [name for name in segments if any(name == segment for _, segment in found)]
    contenders = dict.fromkeys(contender for contender, _ in found)
    return TableView(
        FIGURES[figure].title,
        FIGURES[figure].note,
        tuple(segments[name].title for name in columns),
        tuple(
            (contender, tuple(_cell(found.get((contender, name)), figure) for name in columns))
            for contender in contenders
        ),
    )


def _cell(part: SegmentResult | RefusalPoint | None, figure: str) -> str:
    """A figure of a part; in brackets its difference to what it is held against."""
    if part is None:
        return interval_text(None)
    text = interval_text(part.figures.get(figure))
    difference = next((one for one in part.differences if one.figure == figure), None)
    return f"{text} ({interval_text(difference.interval, signed=True)})" if difference else text


def source_tables(results: Sequence[EvaluationResult]) -> Iterator[TableView]:
    """A table for each contender: the share of what people liked that each of its sources brought."""
    for result in results:
        if result.sources:
            yield TableView(
                result.name,
                "share of what people liked afterwards",
                ("brought", "brought by no other source"),
                tuple(
                    (one.name, (interval_text(one.brought), interval_text(one.alone)))
                    for one in result.sources
                ),
            )


def refusal_tables(report: EvaluationReport) -> Iterator[TableView]:
    """The table of its curve: a row for each share, a column for each figure; none without a curve."""
    curve = report.refusals
    names = [name for name in FIGURES if any(name in one.figures for one in curve)]
    if names:
        yield TableView(
            "Engagement against dislike",
            f"scores × (1 − share × chance of a no){_days(report)}; "
            "in brackets, the paired difference to a share of 0",
            tuple(FIGURES[name].title for name in names),
            tuple((f"{one.share:g}", tuple(_cell(one, name) for name in names)) for one in curve),
        )


def _days(report: EvaluationReport) -> str:
    """The days that its curve was measured on; "" where that is not on record."""
    if report.refusals_from is None or report.refusals_until is None:
        return ""
    first, last = (moment.astimezone(UTC) for moment in (report.refusals_from, report.refusals_until))
    return f", measured on what came from {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def refusal_text(report: EvaluationReport) -> Iterator[str]:
    """The curve of a report as lines."""
    for table in refusal_tables(report):
        yield f"{table.title}: {table.note}"
        for share, cells in table.rows:
            figures = "; ".join(f"{title} {cell}" for title, cell in zip(table.columns, cells, strict=True))
            yield f"  share {share}: {figures}"


def text_of(result: EvaluationResult) -> Iterator[str]:
    """The figures of a contender as lines: over all, by segment, by source, and the gate's verdict."""
    for name, figure in FIGURES.items():
        if name in result.figures:
            yield f"{figure.title}: {interval_text(result.figures[name])}"
    for segment in result.segments:
        known = (name for name in FIGURES if name in segment.figures)
        texts = (f"{FIGURES[name].title} {_cell(segment, name)}" for name in known)
        yield f"{SEGMENTS[segment.name].title}, {segment.people:,} people: {'; '.join(texts)}"
    for source in result.sources:
        brought, alone = interval_text(source.brought), interval_text(source.alone)
        yield f"brought by {source.name}: {brought} of what people liked, {alone} by no other source"
    if result.gate:
        yield f"gate: {'passes' if result.gate.passed else 'fails'}. {result.gate.why}"
