"""The command `hume serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from hume_core.command_line import option
from hume_serve.infer_settings import InferSettings
from hume_serve.serve_settings import ServerLimits, ServeSettings


def serve(
    checkpoint: Annotated[str, option(ServeSettings, "checkpoint")],
    contract: Annotated[str, option(ServeSettings, "contract")] = ServeSettings.contract,
    robot: Annotated[str, option(ServeSettings, "robot")] = ServeSettings.robot,
    host: Annotated[str, option(ServeSettings, "host")] = ServeSettings.host,
    port: Annotated[int, option(ServeSettings, "port")] = ServeSettings.port,
    device: Annotated[str, option(ServeSettings, "device")] = ServeSettings.device,
    dtype: Annotated[str, option(ServeSettings, "dtype")] = ServeSettings.dtype,
    engine: Annotated[str, option(ServeSettings, "engine")] = ServeSettings.engine,
    threads: Annotated[int, option(ServeSettings, "threads")] = ServeSettings.threads,
    state_deviations: Annotated[float, option(ServeSettings, "state_deviations")] = ServeSettings.state_deviations,
    max_clients: Annotated[int, option(ServerLimits, "max_clients")] = ServerLimits.max_clients,
    max_message: Annotated[float, option(ServerLimits, "max_message")] = ServerLimits.max_message,
    max_candidates: Annotated[int, option(ServerLimits, "max_candidates")] = ServerLimits.max_candidates,
    idle_timeout: Annotated[float, option(ServerLimits, "idle_timeout")] = ServerLimits.idle_timeout,
    send_timeout: Annotated[float, option(ServerLimits, "send_timeout")] = ServerLimits.send_timeout,
    replan_steps: Annotated[int, option(InferSettings, "replan_steps")] = InferSettings.replan_steps,
    s2_replan_steps: Annotated[int, option(InferSettings, "s2_replan_steps")] = InferSettings.s2_replan_steps,
    s2_candidates_num: Annotated[int, option(InferSettings, "s2_candidates_num")] = InferSettings.s2_candidates_num,
    noise_temp_lower_bound: Annotated[
        float, option(InferSettings, "noise_temp_lower_bound")
    ] = InferSettings.noise_temp_lower_bound,
    noise_temp_upper_bound: Annotated[
        float, option(InferSettings, "noise_temp_upper_bound")
    ] = InferSettings.noise_temp_upper_bound,
    time_temp_lower_bound: Annotated[
        float, option(InferSettings, "time_temp_lower_bound")
    ] = InferSettings.time_temp_lower_bound,
    time_temp_upper_bound: Annotated[
        float, option(InferSettings, "time_temp_upper_bound")
    ] = InferSettings.time_temp_upper_bound,
    post_process_action: Annotated[
        bool, option(InferSettings, "post_process_action")
    ] = InferSettings.post_process_action,
    seed: Annotated[int, option(InferSettings, "seed")] = InferSettings.seed,
) -> None:
    """Answer openpi clients and the authors' evaluation client over websocket, until Ctrl-C."""
    from hume_serve.run import run_serve

    limits = ServerLimits(max_clients, max_message, max_candidates, idle_timeout, send_timeout)
    infer = InferSettings(
        replan_steps,
        s2_replan_steps,
        s2_candidates_num,
        noise_temp_lower_bound,
        noise_temp_upper_bound,
        time_temp_lower_bound,
        time_temp_upper_bound,
        post_process_action,
        seed,
    )
    settings = ServeSettings(
        checkpoint, contract, robot, host, port, device, dtype, engine, threads, state_deviations, limits, infer
    )
    raise typer.Exit(run_serve(settings))


def add_serve(app: typer.Typer) -> None:
    """Add `serve`."""
    app.command()(serve)
