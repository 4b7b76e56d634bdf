"""Training with the generated kernels: a network, its loop, and the handwritten digits.

    from reference.training import Recipe, train_digits

    result = train_digits(Recipe(seed=1))
    result.test_accuracy, result.stop.criterion

No derivative, activation, loss or update is written here: they are the kernels of `reference`.
"""

from reference.training.advice import RECOMMENDED, AdviceWarning, advise, geometric_sizes
from reference.training.data import Examples, MissingDependencyError, Split, load_digits
from reference.training.digits import DigitsResult, Recipe, train_digits
from reference.training.loop import DivergedError, Result, Settings, train
from reference.training.network import Network
from reference.training.picture import save_picture
from reference.training.schedule import SCHEDULES, Constant, Cosine, Schedule, Step
from reference.training.stopping import Criteria, Epoch, Stop

__all__ = [
    "RECOMMENDED",
    "SCHEDULES",
    "AdviceWarning",
    "Constant",
    "Cosine",
    "Criteria",
    "DigitsResult",
    "DivergedError",
    "Epoch",
    "Examples",
    "MissingDependencyError",
    "Network",
    "Recipe",
    "Result",
    "Schedule",
    "Settings",
    "Split",
    "Step",
    "Stop",
    "advise",
    "geometric_sizes",
    "load_digits",
    "save_picture",
    "train",
    "train_digits",
]
