"""Validation errors of robot profiles in one line: field, what was found, what is valid, what to do."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hume_core.texts import did_you_mean, shortened, shown


def describe_problem(error: ValidationError, data: Any, model: type[BaseModel]) -> str:
    """The most telling problem of a validation.

    Args:
        error: what pydantic found.
        data: what was validated.
        model: what it was validated against.
    """
    problems = error.errors()
    # A misspelt field is missing too. Its own name helps more.
    problem = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    location = problem["loc"]
    field = ".".join(shortened(_label(data, location, i)) for i in range(len(location)))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"field '{field}' is unknown. {_valid_fields(str(location[-1]), location[:-1], model)}{more}"
    if problem["type"] == "missing":
        return f"field '{field}' is missing. Add it{more}"
    message = shortened(problem["msg"].removeprefix("Value error, "), 1000)
    found = "" if not location or isinstance(problem["input"], dict) else f". Found {shown(problem['input'])}"
    return f"field '{field or 'profile'}': {message}{found}{more}"


def _label(data: Any, location: tuple[int | str, ...], i: int) -> str:
    """A list position becomes the joint's name where it has one."""
    part = location[i]
    if not isinstance(part, int):
        return str(part)
    for key in location[: i + 1]:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return str(part)
    name = data.get("name") if isinstance(data, dict) else None
    return str(name or part)


def _valid_fields(wrong: str, location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """The fields of the section at `location`, and the one that was probably meant."""
    annotation: Any = None
    for part in location:
        # List positions and the free keys of a mapping stay within the section they lead to.
        if isinstance(part, str) and part in model.model_fields:
            annotation = model.model_fields[part].annotation
            model = _section(annotation) or model
        elif found := _section(annotation, str(part)):
            model = found
    valid = list(model.model_fields)
    return f"Valid here: {', '.join(valid)}{did_you_mean(wrong, valid)}"


def _section(annotation: Any, kind: str = "") -> type[BaseModel] | None:
    """The section inside an annotation such as `tuple[Joint, ...]` or `Gripper | None`.

    Args:
        annotation: of a field.
        kind: the section's `type`, where there are several. Empty: the first one.
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get("type")
        return annotation if not kind or (field is not None and field.default == kind) else None
    return next((found for part in get_args(annotation) if (found := _section(part, kind)) is not None), None)
