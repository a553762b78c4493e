from setuptools import find_packages, setup

package_name = "hume_sim"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed", "assets/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=["mujoco", "numpy", "opencv-python-headless", "rosbags", "setuptools"],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="A MuJoCo arm on a table that speaks the topics of a real arm under ros2_control",
    license="Apache-2.0",
    entry_points={
        "console_scripts": ["hume_sim = hume_sim.programs:hume_sim", "hume_mock = hume_sim.programs:hume_mock"]
    },
)
