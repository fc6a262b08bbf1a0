"""Barred items as ids and as a mask, against the plain way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ranking.recommenders.barred import Barred
from ranking.recommenders.rows import retrieve_ordered

_IDS = st.lists(st.integers(1, 30), unique=True, max_size=20)


@given(_IDS, _IDS, _IDS, st.data())
def test_holds_what_is_named_or_filtered_out(
    catalog: list[int], named: list[int], asked: list[int], data: st.DataObject
) -> None:
    ids = np.array(sorted(catalog), dtype=np.int64)
    filtered = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))), dtype=bool)
    out = {*named, *ids[filtered].tolist()}
    barred = Barred(np.empty(0, dtype=np.int64), ids, filtered).and_ids(np.array(named, dtype=np.int64))
    in_any_order = np.array(asked, dtype=np.int64)
    assert barred.holds(in_any_order).tolist() == [one in out for one in asked]
    for some in (ids, np.sort(in_any_order)):
        assert barred.open_among(some).tolist() == [one not in out for one in some.tolist()]
    order = np.arange(len(ids))[::-1]
    brought = retrieve_ordered(order, np.ones(len(ids)), ids, 3, barred).item_ids.tolist()
    assert brought == [one for one in ids[order].tolist() if one not in out][:3]
