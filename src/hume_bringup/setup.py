from pathlib import Path

from setuptools import find_packages, setup


def files(folder: str) -> tuple[str, list[str]]:
    """One data_files entry: where `folder` is installed, and its files."""
    return f"share/hume_bringup/{folder}", sorted(str(p) for p in Path(folder).iterdir() if p.is_file())


package_name = "hume_bringup"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
        files("launch"),
        files("config"),
        *(files(f"config/{folder}") for folder in ("gazebo", "limits", "robots", "sros2")),
        files("urdf"),
        files("worlds"),
    ],
    install_requires=["setuptools"],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="Launch files, robot profiles and the one description of the Hume nodes",
    license="Apache-2.0",
)
