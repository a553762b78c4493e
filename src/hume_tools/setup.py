from setuptools import find_packages, setup

package_name = "hume_tools"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=[
        "mujoco",
        "numpy",
        "PyYAML",
        "rich",
        "setuptools",
        "torch",
        "typer",
    ],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="The hume command: doctor, up, parity, bench",
    license="Apache-2.0",
    entry_points={"console_scripts": ["hume = hume_tools.cli.main:main"]},
)
