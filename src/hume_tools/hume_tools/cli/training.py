"""Commands of the `hume` command that record, train and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hume_libero.suites import is_libero
from hume_tools.cli.file_options import JsonOption, PlotOption
from hume_tools.cli.libero import evaluate_libero, refuse_libero
from hume_training.default_checkpoint import default_checkpoint

if TYPE_CHECKING:
    from hume_bags.episode_bag import EpisodeBags

_Paths = Optional[Path]  # noqa: UP045
_Number = Optional[float]  # noqa: UP045
Robot = Annotated[str, typer.Option(help="Profile of the simulated arm, a name or a .yaml file.")]
ActionSpace = Annotated[
    str, typer.Option(help="What action rows mean. Only for checkpoints without policy_contract.json.")
]
Contract = Annotated[
    str, typer.Option(help="What the checkpoint's numbers mean: a built-in policy contract or a path. Empty: its own.")
]
System2Rate = Annotated[_Number, typer.Option(min=0.0, help="Thoughts per second, Hz. Without: the suite's.")]
System2Latency = Annotated[_Number, typer.Option(min=0.0, help="From observation to chunk, s. Without: the suite's.")]
System1Rate = Annotated[_Number, typer.Option(min=0.0, help="Segments per second, Hz. Without: the suite's.")]
System1Latency = Annotated[_Number, typer.Option(min=0.0, help="From observation to segment, s. Without: the suite's.")]
Images = Annotated[bool, typer.Option("--images", help="Store PNG images instead of videos: exact, and far larger.")]
PushToHub = Annotated[
    str, typer.Option(help="Publish the dataset under this name on the Hugging Face hub: OWNER/NAME.")
]
_SUITES = "hard, nominal, recovery, lift, stack, detour, mixed or hard_torque"
_DEFAULT_VARIANTS = "full,n1,one_of_n,mean,best_value,zero_noise,medoid,random_pick,no_system1"
_LIBERO_SUITES = "libero_spatial, libero_object, libero_goal or libero_10"
_VARIANTS = (
    "full, n1, one_of_n, mean, best_value, zero_noise, medoid, random_pick, no_system1, n1_no_system1, low_noise, "
    "fixed_noise, nearest, no_agreement, oracle, swapped, blank, stale, and n8, mean8, oracle5 and so on: with that "
    "many candidates"
)


def collect(
    folder: Annotated[Path, typer.Argument(help="Folder of the new LeRobot dataset.")],
    episodes: Annotated[int, typer.Option(min=1, help="Attempts per task. Of rollouts: in all.")] = 500,
    task: Annotated[
        list[str],
        typer.Option(help="lift, stack, lift red and others. Repeatable. Without: the suite's, or lift and stack."),
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(min=0, help="Moves every random choice.")] = 0,
    paired: Annotated[bool, typer.Option(help="Record every scene once for each choice of colours.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes that play episodes.")] = 2,
    policy: Annotated[str, typer.Option(help="Record rollouts of this checkpoint instead of demonstrations.")] = "",
    suite: Annotated[
        str,
        typer.Option(help=f"Whose scenes: {_SUITES}. Without: nominal for rollouts, a plain table for demonstrations."),
    ] = "",
    variant: Annotated[str, typer.Option(help=f"Variant of the rollouts: {_VARIANTS}.")] = "n1_no_system1",
    intervention: Annotated[
        float, typer.Option(min=0.0, help="Of rollouts: the expert takes over within this time, s. 0: never.")
    ] = 0.0,
    branches: Annotated[
        int,
        typer.Option(min=0, help="Of rollouts: record what comes of this many candidates of a thought. 0: rollouts."),
    ] = 0,
    finish: Annotated[
        str, typer.Option(help="Of branches: who goes on after a chunk: expert, or policy, which takes longer.")
    ] = "expert",
    action_space: ActionSpace = "",
    contract: Contract = "",
    robot: Robot = "wx250s_sim",
    system2_rate: System2Rate = None,
    system2_latency: System2Latency = None,
    images: Images = False,
    push_to_hub: PushToHub = "",
) -> None:
    """Record seeded demonstrations of the scripted expert, or rollouts of a policy. Run again to resume."""
    if policy:
        from hume_training.evaluation.recording import RolloutOptions, run_collect_rollouts

        timing = _given(system2_rate=system2_rate, system2_latency=system2_latency)
        options = RolloutOptions(
            folder,
            policy,
            episodes,
            suite or RolloutOptions.suite,
            variant,
            seed,
            action_space,
            robot,
            workers=workers,
            intervention=intervention,
            timing=timing,
            contract=contract,
            images=images,
            push_to_hub=push_to_hub,
        )
        if branches:
            from hume_training.evaluation.branching import run_collect_branches

            raise typer.Exit(run_collect_branches(options, branches, finish))
        raise typer.Exit(run_collect_rollouts(options))
    from hume_training.collect.recorder import RecorderOptions
    from hume_training.collect.run import CollectOptions, run_collect

    recorder = RecorderOptions(suite=suite, images=images)
    tasks = task or recorder.tasks
    raise typer.Exit(run_collect(CollectOptions(folder, episodes, tasks, seed, paired, workers, recorder, push_to_hub)))


def train(
    kind: Annotated[str, typer.Argument(help="system2, value or system1.")],
    config: Annotated[Path, typer.Option(help="YAML file. See hume_training/configs.")],
    change: Annotated[list[str], typer.Option("--set", help="field=value, stronger than the file.")] = [],  # noqa: B006
    stop_after: Annotated[Optional[int], typer.Option(min=1, help="End early, after this many steps.")] = None,  # noqa: UP045
    plan: Annotated[bool, typer.Option("--plan", help="Only print how much memory it takes.")] = False,
) -> None:
    """Train one part of a checkpoint. Run again to resume exactly where it stopped."""
    if plan:
        from hume_training.training.run import run_plan

        typer.echo(run_plan(kind, config, change), nl=False)
        return
    from hume_training.training.run import run_train

    raise typer.Exit(run_train(kind, config, change, stop_after))


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint folder or hub name. Without: the one that ships.")] = "",
    suite: Annotated[
        str, typer.Option(help=f"Scenes, tasks and disturbances: {_SUITES}. Of LIBERO: {_LIBERO_SUITES}.")
    ] = "hard",
    episodes: Annotated[
        int, typer.Option(min=1, help="Scenes, the same for every variant. Of LIBERO: initial states of each task.")
    ] = 300,
    variants: Annotated[
        str, typer.Option(help=f"What to compare, separated by commas: {_VARIANTS}.")
    ] = _DEFAULT_VARIANTS,
    seed: Annotated[int, typer.Option(min=0, help="Moves every random choice.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that play episodes.")] = 1,
    action_space: ActionSpace = "",
    contract: Contract = "",
    robot: Robot = "wx250s_sim",
    system2_rate: System2Rate = None,
    system2_latency: System2Latency = None,
    system1_rate: System1Rate = None,
    system1_latency: System1Latency = None,
    json_file: JsonOption = None,
    plot: PlotOption = None,
    record: Annotated[_Paths, typer.Option(help="Write every episode into this folder, a bag each.")] = None,
    value_quality: Annotated[int, typer.Option(min=0, help="Judge the values at this many states instead.")] = 0,
    branches: Annotated[
        str, typer.Option(help="Judge the values on these folders of hume collect --branches instead.")
    ] = "",
    tasks: Annotated[str, typer.Option(help="Of LIBERO: places in the suite, such as 0,3. Without: all.")] = "",
    control: Annotated[
        str, typer.Option(help="Of LIBERO: osc, blocking as in its benchmark, or joints, through the stack.")
    ] = "osc",
    perturbation: Annotated[str, typer.Option(help="Of LIBERO-PRO: lan, object, swap or task. Without: none.")] = "",
) -> None:
    """Measure success in the simulator, without ROS: paired episodes, 95 % intervals."""
    if is_libero(suite):
        asked = {
            "workers": workers > 1, "record": record is not None, "value-quality": value_quality, "branches": branches,
        }  # fmt: skip
        raise typer.Exit(
            evaluate_libero(
                [name for name, given in asked.items() if given],
                suite=suite,
                checkpoint=checkpoint,
                tasks=tasks,
                episodes=episodes,
                # Those of the other suites are not all the authors'.
                variants="full" if variants == _DEFAULT_VARIANTS else variants,
                control=control,
                perturbation=perturbation,
                seed=seed,
                action_space=action_space,
                contract=contract,
                robot=robot,
                timing=_given(
                    system2_rate=system2_rate,
                    system2_latency=system2_latency,
                    system1_rate=system1_rate,
                    system1_latency=system1_latency,
                ),
                json_file=json_file,
                plot=plot,
            )
        )
    refuse_libero(tasks=tasks, control=control != "osc", perturbation=perturbation)
    checkpoint = checkpoint or _default_checkpoint(robot, suite)
    if branches:
        from hume_training.evaluation.branch_values import run_branch_quality

        raise typer.Exit(run_branch_quality(checkpoint, branches, json_file))
    timing = _given(
        system2_rate=system2_rate,
        system2_latency=system2_latency,
        system1_rate=system1_rate,
        system1_latency=system1_latency,
    )
    if value_quality:
        from hume_training.evaluation.value_quality import ValueQualityOptions, run_value_quality

        judged = ValueQualityOptions(
            checkpoint,
            suite,
            value_quality,
            seed=seed,
            action_space=action_space,
            robot=robot,
            timing=timing,
            contract=contract,
            json_file=json_file,
            plot=plot,
        )
        raise typer.Exit(run_value_quality(judged))
    from hume_training.evaluation.run import EvaluateOptions, run_evaluate

    options = EvaluateOptions(
        checkpoint,
        suite,
        [name.strip() for name in variants.split(",") if name.strip()],
        episodes,
        seed,
        action_space,
        robot,
        workers=workers,
        timing=timing,
        contract=contract,
        json_file=json_file,
        plot=plot,
        recorder=None if record is None else _recorder(record, robot, checkpoint),
    )
    raise typer.Exit(run_evaluate(options))


def _recorder(folder: Path, robot: str, checkpoint: str) -> EpisodeBags:
    from hume_bags.episode_bag import EpisodeBags
    from hume_core.robot import RobotProfile

    bags = EpisodeBags(folder, robot, checkpoint)
    bags.check(RobotProfile.load(robot))
    return bags


def _default_checkpoint(robot: str, suite: str) -> str:
    from hume_training.evaluation.robot import simulated_robot

    return str(default_checkpoint(simulated_robot(robot), suite))


def _given(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def add_commands(app: typer.Typer) -> None:
    """Add `collect`, `train` and `evaluate`."""
    for command in (collect, train, evaluate):
        app.command()(command)
