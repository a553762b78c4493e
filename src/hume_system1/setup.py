from setuptools import find_packages, setup

package_name = "hume_system1"

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
    description="System 1 of Hume: the denoising model, the control core and the nodes that stream joint commands",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "system1_node = hume_system1.programs:system1_node",
            "denoiser_node = hume_system1.programs:denoiser_node",
        ]
    },
)
