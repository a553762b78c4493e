from setuptools import find_packages, setup

package_name = "hume_system2"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=["numpy", "setuptools", "torch"],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="System 2 of Hume: the thinking model and the node that publishes action chunks",
    license="Apache-2.0",
    entry_points={"console_scripts": ["system2_node = hume_system2.programs:system2_node"]},
)
