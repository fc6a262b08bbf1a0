"""The outcome of a run of pruning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pruned:
    """So many of each were removed, or would be.

    unseen_lists   lists that nobody saw or acted on
    lists          other lists past their use, removed
    emptied_lists  lists past their use that somebody acted on: the row stays, without its slots
    """

    dry_run: bool
    idempotency_keys: int
    browser_sessions: int
    login_records: int
    limit_counts: int
    runs: int
    alerts: int
    unseen_lists: int
    lists: int
    emptied_lists: int
    datasets: int
    model_files: int
    reports: int
