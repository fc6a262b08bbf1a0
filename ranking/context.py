"""The scoring context: a catalog, the recommenders over it, and the policy. One for a whole process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain import UseCase
from curation.acting import NO_RULES, RuleSet
from ranking.memory import Memory
from ranking.policy import Policy
from ranking.recommenders.base import Judging, PoolRanker, Recommender
from ranking.recommenders.registry import RECOMMENDERS
from ranking.registry.loading import NO_MODELS, ModelSet
from ranking.snapshot import CatalogSnapshot


@dataclass(frozen=True, slots=True, eq=False)
class ScoringContext:
    """All that one request reads of the shared state; it stays as it is while the request runs.

    recommenders  each retrieving kind of the policy that can answer: the untrained, and those with a model
    ranker        what orders the pool; None where the recommenders' own scores do
    judge         what tells how likely an item is turned down; None where no such model serves
    refusal_share  how much of a base score its chance of a no takes away: what the policy allows at the most,
                  less where `retrain` measured that it does harm
    arm           the arm of the experiment that this serves; "" outside of any
    memory        what was found out about people before it; None where nobody comes twice
    rules         of staff, over the catalog: those that stand, now in force or later
    """

    use_case: UseCase
    catalog: CatalogSnapshot
    models: ModelSet
    policy: Policy
    recommenders: Mapping[str, Recommender[Any]]
    ranker: PoolRanker | None
    judge: Judging[Any] | None = None
    refusal_share: float = 0.0
    arm: str = ""
    memory: Memory | None = None
    rules: RuleSet = NO_RULES

    @classmethod
    def of(
        cls,
        use_case: UseCase,
        catalog: CatalogSnapshot,
        models: ModelSet = NO_MODELS,
        policy: Policy | None = None,
        arm: str = "",
        memory: Memory | None = None,
    ) -> "ScoringContext":
        """The context of these models over a catalog; the policy is that of the settings where left out."""
        policy = policy or Policy.of(use_case)
        orderers = [name for name in models.by_kind if RECOMMENDERS[name].orders]
        answering = [name for name in policy.sources if _has(name, models)]
        recommenders = {name: _build(name, models, catalog) for name in answering}
        judges = [name for name in models.by_kind if RECOMMENDERS[name].judges]
        measured = [share for name in judges if (share := models.by_kind[name].refusal_share) is not None]
        return cls(
            use_case=use_case,
            catalog=catalog,
            models=models,
            policy=policy,
            recommenders=recommenders,
            ranker=_build(orderers[0], models, catalog) if orderers else None,
            judge=recommenders.get(judges[0]) or _build(judges[0], models, catalog) if judges else None,
            refusal_share=min(policy.refusal_share, *measured) if measured else policy.refusal_share,
            arm=arm,
            memory=memory,
        )

    @property
    def lead(self) -> str | None:
        """The trained kind that the policy trusts most, with a model or without."""
        return self.policy.lead

    @property
    def trained(self) -> tuple[str, ...]:
        """The trained kinds that answer, in order of trust."""
        return tuple(name for name in self.recommenders if RECOMMENDERS[name].is_trained)

    @property
    def untrained(self) -> tuple[str, ...]:
        """The kinds that answer without any training, in order of trust."""
        return tuple(name for name in self.recommenders if not RECOMMENDERS[name].is_trained)


def _has(name: str, models: ModelSet) -> bool:
    return not RECOMMENDERS[name].is_trained or name in models.by_kind


def _build(name: str, models: ModelSet, catalog: CatalogSnapshot) -> Any:
    kind = RECOMMENDERS[name]
    return kind.build(models.by_kind[name].model if kind.is_trained else None, catalog)
