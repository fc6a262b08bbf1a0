"""Damages model files whose hash is right, and lets children load them: none may die, none may answer wrong.

    python benchmarks/reliability/model_files.py [--damages 400] [--seed 1] [--json FILE]

Each damaged file of each kind goes to a forked child, which loads it and, where it loads, asks the model for
a list. `refused` is a sentence, `answered` a list without NaN; everything else is `died` or `broke`.
Of the ranker's text it also counts how many of the same damages end a process that gives them to LightGBM
unchecked.
"""

import argparse
import json
import os
import re
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.update(DEBUG="1", DJANGO_SETTINGS_MODULE="config.settings", OMP_NUM_THREADS="1")
SECONDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--damages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import django

    django.setup()
    result = damage_all(options.damages, options.seed)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    for name, counts in result.items():
        told = ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items()))
        sys.stdout.write(f"{name}: {told}\n")
    checked = [counts for name, counts in result.items() if "unchecked" not in name]
    if any(counts.get("died") or counts.get("broke") for counts in checked):
        raise SystemExit(1)


def damage_all(damages: int, seed: int) -> dict[str, dict[str, int]]:
    import lightgbm as lgb
    import numpy as np

    import tests.ranking.recommenders.test_contract  # noqa: F401  once here, not in each child
    from ranking.recommenders.ranker.file import LAYOUT
    from ranking.recommenders.registry import TRAINED
    from tests.ranking.recommenders.files import rewritten

    small = models_made_elsewhere()
    result: dict[str, dict[str, int]] = {}
    for name in TRAINED:
        rng, whole = np.random.default_rng(seed), small[name]
        files = [damaged_bytes(whole, rng) for _ in range(damages)]
        if name == "ranker":
            trees = LAYOUT.load(whole)[1]["trees"].tobytes()
            texts = [damaged_bytes(trees, rng) for _ in range(damages)]
            texts += [damaged_text(trees, rng) for _ in range(damages)]
            unchecked = Counter(in_child(partial(parse_unchecked, lgb, one)) for one in texts)
            result["ranker's text, unchecked"] = dict(unchecked)
            files += [rewritten(whole, trees=np.frombuffer(one, dtype=np.uint8)) for one in texts]
        else:
            files += [damaged_tensors(whole, rng) for _ in range(damages)]
        result[name] = dict(Counter(in_child(partial(ask, name, one)) for one in files))
    return result


def models_made_elsewhere() -> dict[str, bytes]:
    """A small model of each kind. Training starts threads, after which no fork of this process would end."""
    from multiprocessing import get_context

    with get_context("spawn").Pool(1) as pool:
        return pool.apply(make_models)


def make_models() -> dict[str, bytes]:
    import django

    django.setup()
    from tests.ranking.recommenders.kinds import BYTES

    return {name: make() for name, make in BYTES.items()}


def damaged_bytes(whole: bytes, rng: Any) -> bytes:
    """Cut off, a stretch taken out or doubled or zeroed, or some bytes changed."""
    start, end = sorted(rng.integers(0, len(whole), 2).tolist())
    match rng.integers(5):
        case 0:
            return whole[:end]
        case 1:
            return whole[:start] + whole[end:]
        case 2:
            return whole[:end] + whole[start:]
        case 3:
            return whole[:start] + bytes(end - start) + whole[end:]
    changed = bytearray(whole)
    for place in rng.integers(0, len(whole), rng.integers(1, 6)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def damaged_text(trees: bytes, rng: Any) -> bytes:
    """One number of the trees is another number: digits for digits, so that all sizes stay right."""
    changed = bytearray(trees)
    numbers = [match.span() for match in re.finditer(rb"(?<=[= ])-?[0-9]+(?=[ \n])", trees)]
    for which in rng.integers(0, len(numbers), rng.integers(1, 4)):
        start, end = numbers[which]
        changed[start:end] = b"".join(b"%d" % digit for digit in rng.integers(1, 10, end - start))
    return bytes(changed)


def damaged_tensors(whole: bytes, rng: Any) -> bytes:
    """One tensor is of another shape or holds other values; the file itself is whole."""
    import numpy as np
    from safetensors.numpy import load

    from tests.ranking.recommenders.files import rewritten

    tensors = load(whole)
    name = sorted(tensors)[rng.integers(len(tensors))]
    values = tensors[name].copy()
    match rng.integers(6):
        case 0:
            values = values[: rng.integers(0, max(1, len(values)))]
        case 1:
            values = values[..., : rng.integers(0, max(1, values.shape[-1]))]
        case 2:
            values = np.concatenate([values, values])
        case 3:
            values = values[rng.permutation(len(values))]
        case 4 if values.size:
            odd = [-1, 2**31, 2**62] if values.dtype.kind == "i" else [np.nan, np.inf, -1e30, 1e9]
            values.flat[rng.integers(values.size)] = odd[rng.integers(len(odd))]
        case _:
            values = values.astype(np.float16 if values.dtype.kind == "f" else np.int32)
    return rewritten(whole, **{name.replace(".", "__"): values})


def parse_unchecked(lgb: Any, text: bytes) -> str:
    try:
        booster = lgb.Booster(model_str=text.decode("latin-1"))
        import numpy as np

        booster.predict(np.random.default_rng(0).random((50, booster.num_feature())), num_threads=1)
    except Exception:
        return "refused"
    return "answered"


def ask(name: str, data: bytes) -> str:
    """The outcome of loading a file and asking the model in it."""
    import numpy as np

    from ranking.features import FEATURES
    from ranking.recommenders.artifact import ArtifactError
    from ranking.recommenders.registry import TRAINED
    from tests.ranking.recommenders.test_contract import catalog_of, somebody

    kind = TRAINED[name]
    try:
        model = kind.load(data) if kind.load else None
    except ArtifactError:
        return "refused"
    built = kind.build(model, catalog_of())
    if kind.orders:
        scores = built.probabilities(np.random.default_rng(0).random((50, len(FEATURES))).astype(np.float32))
    else:
        representation = built.represent(somebody())
        scores = built.score(representation, np.arange(14))
        # What a model does not know is NaN by its contract.
        scores = scores[~np.isnan(scores)]
    return "answered" if ((scores >= 0) & (scores <= 1)).all() else "broke"


def in_child(work: Callable[[], str]) -> str:
    """The result of `work` in a fork of this process; "died" where the fork ends otherwise."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        signal.alarm(SECONDS)
        warnings.simplefilter("ignore")
        try:
            os.write(writer, work().encode())
        except BaseException:
            os.write(writer, b"broke")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        outcome = answer.read().decode()
    _, status = os.waitpid(child, 0)
    return outcome if os.waitstatus_to_exitcode(status) == 0 else "died"


if __name__ == "__main__":
    main()
