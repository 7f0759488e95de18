"""Checks that what standard input has, JSON, has the fields and types of a type of Kubernetes's.

  check.py PACKAGES TYPE
"""

import ast
import glob
import json
import re
import sys

BUILT_IN = {"str": str, "int": int, "bool": bool, "float": float, "object": object}


def types(packages):
    """Returns {type: {field: its type}}, as the clients' generated classes have them."""
    found = {}
    for path in glob.glob(f"{packages}/kubernetes/client/models/*.py") + glob.glob(f"{packages}/kubeflow/training/models/*.py"):
        with open(path) as f:
            classes = [node for node in ast.parse(f.read()).body if isinstance(node, ast.ClassDef)]
        for c in classes:
            has = {a.targets[0].id: ast.literal_eval(a.value) for a in c.body if isinstance(a, ast.Assign) and isinstance(a.value, ast.Dict)}
            found[c.name] = {has["attribute_map"][k]: v for k, v in has["openapi_types"].items()}
    return found


def check(value, type, path):
    if many := re.fullmatch(r"list\[(.*)\]", type):
        assert isinstance(value, list), f"{path} is no list"
        for i, v in enumerate(value):
            check(v, many[1], f"{path}[{i}]")
    elif many := re.fullmatch(r"dict\(str, (.*)\)", type):
        for k, v in value.items():
            check(v, many[1], f"{path}.{k}")
    elif type in BUILT_IN:
        assert isinstance(value, BUILT_IN[type]), f"{path} is {value!r}, no {type}"
    else:
        for k, v in value.items():
            assert k in all_types[type], f"{path} has no field {k}"
            check(v, all_types[type][k], f"{path}.{k}")


all_types = types(sys.argv[1])
try:
    check(json.load(sys.stdin), sys.argv[2], sys.argv[2])
except AssertionError as e:
    sys.exit(str(e))
