from setuptools import find_packages, setup

package_name = "hume_core"

setup(
    name=package_name,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={package_name: ["py.typed", "policy_contract/released/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
    ],
    install_requires=[
        "huggingface_hub",
        "matplotlib",
        "numpy",
        "onnx",
        "onnxruntime",
        "opencv-python-headless",
        "pin",
        "pydantic",
        "PyYAML",
        "safetensors",
        "setuptools",
        "tokenizers",
        "torch",
        "transformers",
        "typer",
    ],
    zip_safe=True,
    maintainer="Hume robot stack maintainers",
    maintainer_email="maintainers@hume-robot-stack.example",
    description="ROS-free core of the Hume robot stack",
    license="Apache-2.0",
)
