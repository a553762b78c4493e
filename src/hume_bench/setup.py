from setuptools import find_packages, setup

package_name = "hume_bench"

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
        "PyYAML",
        "imageio-ffmpeg",
        "matplotlib",
        "mujoco",
        "numpy",
        "opencv-python-headless",
        "psutil",
        "rich",
        "setuptools",
        "torch",
    ],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="The demo, and benchmarks of models, kinematics, command stream, trajectories and stops",
    license="Apache-2.0",
)
