"""CloudFormation's functions, as far as the templates use them: what a template makes of parameters."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it has no types

_NOTHING = object()
_PSEUDO = {"AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::NoValue": _NOTHING}


class RuleBroken(Exception):  # noqa: N818 - it is CloudFormation's word
    """A rule of the template refuses the parameters."""


class Template:
    """A template with parameters."""

    def __init__(self, path: Path, parameters: Mapping[str, str]) -> None:
        self._template: dict[str, Any] = cfn_yaml.load(str(path))
        declared = self._template["Parameters"]
        assert parameters.keys() <= declared.keys()
        self._values = _PSEUDO | {
            name: parameters.get(name, about.get("Default", _NOTHING)) for name, about in declared.items()
        }
        for name, value in self._values.items():
            assert value is not _NOTHING or name == "AWS::NoValue", f"{name} has no value"
            pattern = declared.get(name, {}).get("AllowedPattern")
            if pattern and not re.fullmatch(pattern, str(value)):
                raise RuleBroken(f"{name}: {value!r} does not match")
        for rule in self._template.get("Rules", {}).values():
            for assertion in rule["Assertions"]:
                if not self._resolve(assertion["Assert"]):
                    raise RuleBroken(assertion["AssertDescription"])

    def properties(self, resource: str) -> dict[str, Any]:
        """Return the properties of a resource, all functions resolved."""
        resolved: dict[str, Any] = self._resolve(self._template["Resources"][resource]["Properties"])
        return resolved

    def _resolve(self, node: Any) -> Any:  # noqa: ANN401 - any part of a template
        if isinstance(node, list):
            return [value for value in map(self._resolve, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function in {"Ref", "Condition"} and isinstance(argument, str):
                return self._condition(argument) if function == "Condition" else self._values[argument]
            if function.startswith("Fn::"):
                return self._call(function, argument)
        resolved = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _NOTHING}

    def _condition(self, name: str) -> Any:  # noqa: ANN401 - a truth value
        return self._resolve(self._template["Conditions"][name])

    def _call(self, function: str, argument: Any) -> Any:  # noqa: ANN401, PLR0911 - as above; one return for each function
        match function:
            case "Fn::Sub":
                return re.sub(r"\$\{([\w:]+)\}", lambda name: str(self._values[name[1]]), argument)
            case "Fn::If":
                return self._resolve(argument[1 if self._condition(argument[0]) else 2])
            case "Fn::Equals":
                return self._resolve(argument[0]) == self._resolve(argument[1])
            case "Fn::Not":
                return not self._resolve(argument[0])
            case "Fn::And":
                return all(map(self._resolve, argument))
            case "Fn::Or":
                return any(map(self._resolve, argument))
            case "Fn::GetAtt":
                return ".".join(argument)
        raise NotImplementedError(function)
