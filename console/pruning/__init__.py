"""Removes rows, lists and files that are past their use. Settings say when."""

from datetime import datetime

from console.pruning.files import prune_datasets, prune_model_files, prune_reports
from console.pruning.lists import prune_lists
from console.pruning.rows import prune_rows
from console.pruning.summary import Pruned
from imports.slices import take_back_killed_import


def prune(*, now: datetime, dry_run: bool = False) -> Pruned:
    """Removes what is past its use; with `dry_run` it only counts what it would remove.

    What is left of an import that was killed on SQLite goes too.
    A second run that begins while one is on removes what is left: nothing is removed twice.
    """
    if not dry_run:
        take_back_killed_import()
    datasets = prune_datasets(now, dry_run=dry_run)
    return Pruned(
        dry_run=dry_run,
        **prune_rows(now, dry_run=dry_run),
        **prune_lists(now, dry_run=dry_run),
        datasets=datasets,
        model_files=prune_model_files(now, dry_run=dry_run),
        reports=prune_reports(now, dry_run=dry_run),
    )
