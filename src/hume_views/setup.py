from setuptools import find_packages, setup

package_name = "hume_views"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=["PyYAML", "numpy", "rerun-sdk", "setuptools", "typer"],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="Views of a running stack: markers, rerun, layouts for Foxglove and rviz",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "marker_node = hume_views.marker_node:main",
            "rerun_node = hume_views.rerun_node:main",
        ],
    },
)
