from setuptools import find_packages, setup

package_name = "hume_training"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed", "configs/*.yaml", "configs/recipes/*.yaml", "checkpoints/*/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=[
        "accelerate",
        "av",
        "huggingface_hub",
        "numpy",
        "opencv-python-headless",
        "peft",
        "pyarrow",
        "pydantic",
        "rich",
        "safetensors",
        "setuptools",
        "tokenizers",
        "torch",
        "transformers",
    ],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="Losses, initialisation and training of Hume policies, without ROS",
    license="Apache-2.0",
)
