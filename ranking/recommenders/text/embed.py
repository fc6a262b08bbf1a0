"""Embeddings of descriptions, by a model of sentence-transformers that lies on this machine."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from catalog.models import Item
from core.arrays import Floats, Ints, Rows, positions
from core.errors import InvalidInput
from core.progress import Progress
from ranking.recommenders.text.model import DIMENSIONS, TELLING, Axes
from ranking.recommenders.text.store import Texts, read_texts, write_texts

if TYPE_CHECKING:
    from django.db.models import QuerySet

Encode = Callable[[Sequence[str]], Floats]
"""Texts (n) to their embeddings (n, d)."""

_AT_ONCE = 256
# A model reads some hundred words; what comes after changes nothing.
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Embedded:
    """The outcome of a run.

    items     that have a vector now
    embedded  of these, those whose text was new or had changed
    removed   vectors of items that are hidden, gone, or without a description now
    """

    items: int
    embedded: int
    removed: int


def encoder() -> tuple[str, Encode]:
    """The name and the function of the model at TEXT_MODEL. Raises InvalidInput where there is none."""
    path = settings.TEXT_MODEL
    if not path:
        raise InvalidInput("TEXT_MODEL is not set: give it the folder of a sentence-transformers model.")
    if not (Path(path) / "modules.json").is_file():
        raise InvalidInput(f"TEXT_MODEL: {path} is not the folder of a sentence-transformers model.")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise InvalidInput(
            "Embedding needs sentence-transformers; run pip install -r requirements-text.txt."
        ) from error
    # Nothing is downloaded, and no file that could hold code is opened.
    model: Any = SentenceTransformer(
        str(path), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    )

    def encode(texts: Sequence[str]) -> Floats:
        found: Floats = model.encode(list(texts), batch_size=64, show_progress_bar=False)
        return found

    return Path(path).resolve().name + "-" + _fingerprint(Path(path)), encode


def embed_items(name: str, encode: Encode, *, everything: bool, progress: Progress) -> Embedded:
    """Embeds the descriptions of active items that are new or have changed, and drops vectors of others.

    `name` tells one model from another: with another one everything is embedded anew, as with `everything`.
    Nothing is written before the end. Raises TrainingError for a damaged file, unless `everything`.
    """
    before = None if everything else read_texts()
    if before is not None and before.model != name:
        before = None
    item_ids, digests = _described_items()
    kept = _kept_rows(before, item_ids, digests)
    fresh = np.flatnonzero(kept < 0)
    vectors = np.zeros((len(item_ids), DIMENSIONS), dtype=np.float32)
    axes = None
    if before is not None:
        axes = before.axes
        vectors[kept >= 0] = before.vectors[kept[kept >= 0]]
    if len(fresh):
        progress.begin(len(fresh), "items")
        axes, vectors[fresh] = _embedded(item_ids[fresh], encode, axes, progress)
    if axes is not None:
        write_texts(Texts(item_ids, digests, vectors, axes, name))
    removed = 0 if before is None else int((~np.isin(before.item_ids, item_ids)).sum())
    return Embedded(items=len(item_ids), embedded=len(fresh), removed=removed)


def _described_items() -> tuple[Ints, Ints]:
    """The ids of the active items with a description (n,), sorted, and the digest of the text of each."""
    rows = _described().values_list("pk", "title", "description").iterator(chunk_size=2000)
    found = [(pk, _digest(_text(title, description))) for pk, title, description in rows]
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _described() -> "QuerySet[Item]":
    return Item.objects.filter(is_active=True).exclude(description="").order_by("pk")


def _text(title: str, description: str) -> str:
    return f"{title}. {description}"[:_LONGEST]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def _kept_rows(before: Texts | None, item_ids: Ints, digests: Ints) -> Rows:
    """The row of each item (n,) in what was kept before, -1 where its text is new or has changed."""
    if before is None:
        return np.full(len(item_ids), -1, dtype=np.intp)
    rows = positions(item_ids, before.item_ids)
    same = rows >= 0
    same[same] = before.digests[rows[same]] == digests[same]
    return np.where(same, rows, -1)


def _embedded(item_ids: Ints, encode: Encode, axes: Axes | None, progress: Progress) -> tuple[Axes, Floats]:
    """The axes, given ones or those of the first embeddings, and the vectors of items (n,), n at least 1."""
    parts = (item_ids[first : first + _AT_ONCE] for first in range(0, len(item_ids), _AT_ONCE))
    embeddings = (encode(_texts_of(part)) for part in parts)
    first = []
    for one in embeddings:
        first.append(one)
        progress.advance(len(one))
        if axes is not None or sum(map(len, first)) >= TELLING:
            break
    axes = axes or Axes.of(np.concatenate(first))
    vectors = [axes.vectors(one) for one in first]
    for one in embeddings:
        vectors.append(axes.vectors(one))
        progress.advance(len(one))
    return axes, np.concatenate(vectors)


def _texts_of(item_ids: Ints) -> list[str]:
    """The texts of items, in their order; an empty one for an item that went meanwhile."""
    found = Item.objects.filter(pk__in=item_ids.tolist()).values_list("pk", "title", "description")
    texts = {pk: _text(title, description) for pk, title, description in found}
    return [texts.get(pk, "") for pk in item_ids.tolist()]


def _fingerprint(folder: Path) -> str:
    """Digits that tell the weights in a folder from others, by their sizes and first bytes."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        with file.open("rb") as opened:
            digest.update(f"{file.name} {file.stat().st_size}".encode() + opened.read(1_000_000))
    return digest.hexdigest()[:8]
