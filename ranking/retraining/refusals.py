"""The share of a score that the chance of a no takes away, chosen on days before those of the gate.

It is measured on the last tenth of what a run learns from, with models as they would have been then: each
`Fitted.earlier` learned nothing from those days and is not calibrated on them. So what the gate says of a
candidate, it says of the share as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ranking.evaluation.refusals import chosen_share, refusal_curve, with_refusals
from ranking.evaluation_codec import from_json, to_json
from ranking.evaluation_report import RefusalPoint
from ranking.models import StoredReport
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import Fitted
from ranking.registry.loading import ModelSet
from ranking.retraining.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class ChosenShare:
    """A share, and the curve that it was chosen from."""

    share: float | None
    curve: tuple[RefusalPoint, ...]

    def put_into(self, models: ModelSet) -> ModelSet:
        """The models with this share; the same object for a model that has it already."""
        changed = {
            kind: replace(loaded, refusal_share=self.share)
            for kind, loaded in models.by_kind.items()
            if TRAINED[kind].judges and loaded.refusal_share != self.share
        }
        return replace(models, by_kind={**models.by_kind, **changed})

    def noted(self, metrics: Mapping[str, Any], run: Run) -> dict[str, Any]:
        """The figures of a candidate with the curve, and the days that it was measured on, in its report."""
        report = from_json(metrics[StoredReport.LATEST])
        if report is None or run.earlier is None:
            return dict(metrics)
        return {**metrics, StoredReport.LATEST: to_json(with_refusals(report, self.curve, run.earlier))}


def choose_share(run: Run, serving: ModelSet, fitted: Mapping[str, Fitted]) -> ChosenShare | None:
    """The share for models that would serve together, from the days before those that they are judged on.

    fitted  what this run made, by kind: its earlier models stand in for those of `serving`

    None where it cannot be told: without dislikes in those days, or without an earlier model of what orders
    or judges. Then the share stays. To split the people of the judging days instead would leave too few on
    either side, and all of it is best where nothing was measured (docs/research/refusals.md).
    """
    then = {
        kind: replace(loaded, model=fitted[kind].earlier)
        for kind, loaded in serving.by_kind.items()
        if kind in fitted and fitted[kind].earlier is not None
    }
    missing = serving.by_kind.keys() - then.keys()
    if run.earlier is None or any(TRAINED[kind].orders or TRAINED[kind].judges for kind in missing):
        return None
    material = run.material
    curve = refusal_curve(
        ModelSet(then), run.earlier, material.use_case, seed=material.seed, progress=material.progress
    )
    return ChosenShare(chosen_share(curve), curve) if curve else None
