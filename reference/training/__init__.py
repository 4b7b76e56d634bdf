"""Training with the generated kernels: a network, its loop, and the handwritten digits.

    from reference.training import Recipe, train_digits

    result = train_digits(Recipe(seed=1))
    result.test_accuracy, result.stop.criterion

No derivative, activation, loss or update is written here: they are the kernels of `reference`.
"""

from reference.training.advice import RECOMMENDED, AdviceWarning, advise, geometric_sizes
from reference.training.approximation import error_bound, interpolating
from reference.training.composite import COMPOSITES, Composite
from reference.training.data import Examples, MissingDependencyError, Split, load_digits
from reference.training.digits import NETWORKS, RECIPES, DigitsResult, Recipe, train_digits
from reference.training.loop import DivergedError, Result, Settings, train
from reference.training.network import Network
from reference.training.optimizer import OPTIMIZERS, Optimizer
from reference.training.picture import save_picture
from reference.training.schedule import SCHEDULES, Constant, Cosine, OneCycle, Schedule, Step, WarmUp
from reference.training.stopping import Criteria, Epoch, Stop

__all__ = [
    "COMPOSITES",
    "NETWORKS",
    "OPTIMIZERS",
    "RECIPES",
    "RECOMMENDED",
    "SCHEDULES",
    "AdviceWarning",
    "Composite",
    "Constant",
    "Cosine",
    "Criteria",
    "DigitsResult",
    "DivergedError",
    "Epoch",
    "Examples",
    "MissingDependencyError",
    "Network",
    "OneCycle",
    "Optimizer",
    "Recipe",
    "Result",
    "Schedule",
    "Settings",
    "Split",
    "Step",
    "Stop",
    "WarmUp",
    "advise",
    "error_bound",
    "geometric_sizes",
    "interpolating",
    "load_digits",
    "save_picture",
    "train",
    "train_digits",
]
