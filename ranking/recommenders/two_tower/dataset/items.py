"""The items of the two-tower dataset with their contents, met by anybody or not, streamed into Parquet."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import pyarrow.parquet as pq

from catalog.models import Item, ItemFacet
from core.arrow import pa
from core.domain import UseCase
from core.text import words

ITEMS = "items.parquet"
BATCH = 2_000
# Words share so many buckets. Of some tens of thousands of words few fall together that matter.
BUCKETS = 2**15

ITEM_SCHEMA = pa.schema(
    [
        ("item_id", pa.int64()),
        ("facet_ids", pa.list_(pa.int64())),
        ("word_buckets", pa.list_(pa.int32())),
        ("word_counts", pa.list_(pa.int32())),
        ("year", pa.int16()),
    ]
)

ItemRow = tuple[int, str, str, int | None]


def write_items(path: Path, use_case: UseCase) -> int:
    """Writes every item of the use case's kind, active or not, by id; returns how many.

    Two queries for each batch.
    """
    count = 0
    with pq.ParquetWriter(path, ITEM_SCHEMA, compression="zstd") as writer:
        for rows in _batches(use_case):
            writer.write_batch(_as_batch(rows))
            count += len(rows)
    return count


def word_counts(text: str) -> dict[int, int]:
    """The number of words of a text in each bucket, in the order of the buckets.

    Words are those of the search (core.text), hashed by CRC-32, which is the same on every machine.
    """
    return dict(sorted(Counter(crc32(word.encode()) % BUCKETS for word in words(text)).items()))


def _batches(use_case: UseCase) -> Iterator[list[ItemRow]]:
    items = (
        Item.objects.filter(kind=use_case.kind)
        .order_by("pk")
        .values_list("pk", "title", "description", "year")
    )
    last = 0
    while batch := list(items.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1][0]


def _as_batch(rows: Sequence[ItemRow]) -> pa.RecordBatch:
    item_ids, titles, descriptions, years = zip(*rows, strict=True)
    counted = [word_counts(f"{title} {text}") for title, text in zip(titles, descriptions, strict=True)]
    facets: defaultdict[int, list[int]] = defaultdict(list)
    links = ItemFacet.objects.filter(item_id__in=item_ids).order_by("item_id", "facet_id")
    for item_id, facet_id in links.values_list("item_id", "facet_id"):
        facets[item_id].append(facet_id)
    columns = (
        item_ids,
        [facets[item_id] for item_id in item_ids],
        [list(counts) for counts in counted],
        [list(counts.values()) for counts in counted],
        years,
    )
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, ITEM_SCHEMA.types, strict=True)]
    return pa.record_batch(arrays, ITEM_SCHEMA)
