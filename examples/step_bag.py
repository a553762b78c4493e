"""Steps a recording through both systems and the control core, as `hume regress` does, and sums up the commands.

./hume python examples/step_bag.py [BAG]
"""

import sys
from pathlib import Path

from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.run import regress

SHIPPED = Path(__file__).parents[1] / "test" / "fixtures" / "bags" / "lift"

# What is left out is as recorded: parameters, instruction, latencies.
bag = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
options = RegressOptions(bag, robot="wx250s_sim", candidates=4)
result = regress(options)

# One record per tick of the command loop. Times in ns since the first joint state.
commands = result.stream.commands
modes = result.stream.header["modes"]
print(f"{len(commands)} ticks in {result.duration:.1f} s, stepped at {result.realtime_factor:.1f} times real time")
for number, mode in enumerate(modes):
    share = (commands["mode"] == number).mean()
    if share:
        print(f"{mode:>12} {100 * share:5.1f} %")

# Velocities in rad/s, a column per joint.
fastest = abs(commands["velocity"]).max(axis=0)
print("fastest command per joint, rad/s:", fastest.round(3).tolist())
