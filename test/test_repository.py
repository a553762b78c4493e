"""What stands beside the code: the workflow on GitHub, hooks before a commit, a README for each package, changes."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"
PACKAGES = sorted(path.parent for path in ROOT.glob("src/*/package.xml"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def text(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_workflow_runs_the_two_commands_of_the_readme() -> None:
    section = text("README.md").partition("## The two commands")[2].partition("```bash")[2].partition("```")[0]
    commands = re.findall(r"^\./hume \w+", section, re.MULTILINE)
    assert len(commands) == 2
    steps: list[dict[str, Any]] = yaml.safe_load(text(WORKFLOW))["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if step.get("run", "").startswith("./hume")] == commands


def test_the_workflow_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_run_the_tools_of_the_workspace() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    hooks = {hook["id"]: hook for hook in repository["hooks"]}
    assert set(hooks) == {"ruff-check", "ruff-format", "mypy"}
    # A hook with a version of its own would judge otherwise than `./hume test`.
    assert all("./hume python -m" in hook["entry"] and hook["language"] == "system" for hook in hooks.values())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_readme_of_a_package_names_files_that_are_there(package: Path) -> None:
    readme = package / "README.md"
    links = LINK.findall(readme.read_text(encoding="utf-8"))
    assert len(links) >= 4
    assert [link for link in links if not (package / link).exists()] == []


def test_the_newest_version_of_the_changelog_is_that_of_the_packages() -> None:
    versions = {ElementTree.parse(path / "package.xml").getroot().findtext("version") for path in PACKAGES}
    setups = {re.findall(r'version="([\d.]+)"', text(path))[0] for path in ROOT.glob("src/*/setup.py")}
    released = re.findall(r"^## \[(\d[\d.]*)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert versions == setups == {released[0]}
