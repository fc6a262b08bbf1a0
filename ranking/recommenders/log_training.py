"""The part that every `EventTrainer` shares: it turns a run of `retrain` into a fitted model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from core.progress import Progress
from ranking.item_content import ItemContent
from ranking.recommenders.event_training import fit_material
from ranking.recommenders.training import Fitted, TrainingMaterial, known_parameters
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class LogTrainer(ABC):
    """An `EventTrainer` but for what differs: the search space, the fit, the calibration, the file.

    parameters_type  the dataclass of the hyper-parameters
    """

    kind: str
    only_succeeds = False
    plain = None
    stands_for = 1
    parameters_type: ClassVar[type]

    @abstractmethod
    def suggest(self, trial: "Trial", start: Any) -> Any:
        """The search space, as in `EventTrainer`."""

    @abstractmethod
    def fit_events(self, events: Events, parameters: Any, *, seed: int, progress: Progress | None) -> Any:
        """A model of these events, not calibrated, as in `EventTrainer`."""

    @abstractmethod
    def calibrated(
        self, model: Any, earlier: Any, later: Holdout, *, seed: int
    ) -> tuple[Any, dict[str, Any]]:
        """The model calibrated on what came later, as in `EventTrainer`."""

    @abstractmethod
    def dump(self, model: Any) -> bytes:
        """The file of a model."""

    def fit(self, material: TrainingMaterial) -> Fitted | None:
        return fit_material(self, material)

    def parameters(self, chosen: Mapping[str, Any]) -> Any:
        return known_parameters(self.parameters_type, chosen)

    def alternatives(self, start: Any) -> tuple[Any, ...]:
        return ()

    def as_used(self, parameters: Any, model: Any, seed: int) -> dict[str, Any]:
        return {**asdict(parameters), "seed": seed}


@dataclass(frozen=True)
class ContentReadingTrainer(LogTrainer):
    """The same for a kind that reads what items are (`ReadsContent`)."""

    content: ItemContent | None = None

    def over(self, content: ItemContent) -> Self:
        return replace(self, content=content)

    def fit(self, material: TrainingMaterial) -> Fitted | None:
        if self.content is None:
            return self.over(material.catalog.content).fit(material)
        return super().fit(material)
