"""LIBERO's suites as the authors of Hume evaluate them."""

from __future__ import annotations

from dataclasses import dataclass

from hume_core.errors import ConfigError

SETTLING_STEPS = 10
"""Before an episode counts: things fall onto the table meanwhile, and the gripper opens."""

SEED = 7
"""Of what LIBERO places at random although it has initial states. As the authors have it."""

PERTURBATIONS = ("lan", "object", "swap", "task")
"""Of LIBERO-PRO: another wording, other looks, exchanged places, another task in the same scene."""

_PREFIX = "libero_"


@dataclass(frozen=True)
class LiberoSuite:
    """One suite.

    Attributes:
        name: as LIBERO calls it.
        steps: after so many rows of 0.05 s an episode has failed.
        contract: built-in policy contract of the authors' release for it. Empty: there is none.
    """

    name: str
    steps: int
    contract: str = ""


_SUITES = {
    suite.name: suite
    for suite in (
        LiberoSuite("libero_spatial", 220, "libero_spatial"),
        LiberoSuite("libero_object", 280, "libero_object"),
        LiberoSuite("libero_goal", 300, "libero_goal"),
        LiberoSuite("libero_10", 520),
    )
}
NAMES = tuple(_SUITES)


def is_libero(name: str) -> bool:
    """Whether a suite is one of LIBERO by its name, whether it is known or not."""
    return name.startswith(_PREFIX)


def find_suite(name: str, perturbation: str = "") -> LiberoSuite:
    """A suite by name, as it is or with a perturbation of LIBERO-PRO.

    Raises:
        ConfigError: there is none. Lists the valid names.
    """
    if name not in _SUITES:
        raise ConfigError(f"suite '{name}' is unknown. Valid suites of LIBERO: {', '.join(NAMES)}")
    suite = _SUITES[name]
    if not perturbation:
        return suite
    if perturbation not in PERTURBATIONS:
        raise ConfigError(f"perturbation '{perturbation}' is unknown. Valid: {', '.join(PERTURBATIONS)}")
    return LiberoSuite(f"{name}_{perturbation}", suite.steps, suite.contract)
