"""Typed errors: each message says what is wrong, what is valid and what to do."""


class HumeError(Exception):
    """Base of every error that the stack raises on purpose."""


class ConfigError(HumeError):
    """A model or node configuration has an unknown field, a wrong type or a value out of range."""


class CheckpointError(HumeError):
    """A checkpoint folder or tensor file is missing, truncated or does not fit its configuration."""


class ContractError(CheckpointError):
    """A checkpoint's `policy_contract.json` is damaged, or says something else than the robot or its own weights."""


class ObservationError(HumeError):
    """Images, robot state or instruction do not fit what the policy expects."""


class RobotProfileError(HumeError):
    """A robot profile is unknown or one of its fields is wrong."""


class ControllerError(HumeError):
    """The robot's controllers are not as its profile needs them, and their manager does not make them so."""


class ChunkError(HumeError):
    """An action chunk or segment is malformed."""


class ActionSpaceError(HumeError):
    """An action space is unknown or cannot be used with the robot at hand."""


class DatasetError(HumeError):
    """A dataset has wrong shapes, missing keys, NaN or an empty episode."""


class KinematicsError(HumeError):
    """A robot description cannot be read, or lacks a joint or link that the robot profile names."""


class TrainingError(HumeError):
    """A training cannot go on: its loss or its weights are no numbers any more."""


class SimulationError(HumeError):
    """A simulator that runs in an environment of its own is not set up, has ended, or refuses a request."""
