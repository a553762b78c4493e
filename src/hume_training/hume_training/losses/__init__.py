"""Loss functions of all three trainings. Every random draw is passed in, so they are pure."""

from hume_training.losses.calql import (
    CalQLBatch,
    CalQLDraws,
    critic_loss,
    policy_loss,
    temperature_loss,
    update_targets,
)
from hume_training.losses.flow_matching import (
    flow_time,
    masked_mean,
    noise_segment,
    system1_flow,
    system1_flow_losses,
    system2_flow_losses,
)
from hume_training.losses.joint import JointBatch, JointDraws, JointLosses, joint_losses

__all__ = [
    "CalQLBatch",
    "CalQLDraws",
    "JointBatch",
    "JointDraws",
    "JointLosses",
    "critic_loss",
    "flow_time",
    "joint_losses",
    "masked_mean",
    "noise_segment",
    "policy_loss",
    "system1_flow",
    "system1_flow_losses",
    "system2_flow_losses",
    "temperature_loss",
    "update_targets",
]
