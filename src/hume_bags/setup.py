from setuptools import find_packages, setup

package_name = "hume_bags"

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
        "huggingface_hub",
        "lz4",
        "matplotlib",
        "mcap",
        "numpy",
        "opencv-python-headless",
        "psutil",
        "pydantic",
        "PyYAML",
        "rerun-sdk",
        "rich",
        "safetensors",
        "setuptools",
        "torch",
        "typer",
        "zstandard",
    ],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="Bags: record, replay, inspect, export, and regression on recordings",
    license="Apache-2.0",
    entry_points={
        "console_scripts": ["record = hume_bags.cli:record_program", "replay = hume_bags.cli:replay_program"],
    },
)
