"""The ranker in service: it orders what the other kinds bring."""

from ranking.recommenders.base import Kind
from ranking.recommenders.ranker.file import load_ranker

KIND = Kind(
    name="ranker",
    label="ranker",
    method="ranker",
    why="",
    build=lambda model, catalog: model,
    load=load_ranker,
    orders=True,
    without="the models that retrieve order the lists",
)
