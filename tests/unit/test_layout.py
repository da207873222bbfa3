"""The house's rules that imports alone can't show."""

import ast
import importlib
import inspect
import pkgutil
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "rules", "stripe_sync", "web")
OWN_DISTRIBUTION = "ochre-routing"


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_ours(name: str) -> None:
    """The generic package names mean the folders of this repository, and nobody else installed one of them."""
    module = importlib.import_module(name)
    owners = set(packages_distributions().get(name, []))

    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)
    assert owners <= {OWN_DISTRIBUTION}


def test_every_repository_function_names_its_workspace_first() -> None:
    """A public function that runs SQL takes `workspace_id` and then the session, or is called `system_…`."""
    offenders = [
        f"{module.__name__}.{name}"
        for module in _modules()
        if module.__name__.endswith("repository")
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith(("_", "system_"))
        if "session" in inspect.signature(function).parameters
        if next(iter(inspect.signature(function).parameters)) != "workspace_id"
    ]

    assert offenders == []


def test_every_table_carries_its_workspace() -> None:
    """Each table has a `workspace_id` that can't be null, so that the wall has something to stand on."""
    from web.migrations import all_metadata

    tables = [table for metadata in all_metadata() for table in metadata.sorted_tables]

    assert tables
    assert [table.name for table in tables if "workspace_id" not in table.c or table.c.workspace_id.nullable] == []


def test_every_module_says_what_it_is() -> None:
    """Each module begins with a docstring."""
    assert [module.__name__ for module in _modules() if not module.__doc__] == []


def test_every_test_states_its_claim() -> None:
    """Each test function has a docstring of one sentence or more."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []


# helpers


def _modules() -> list[ModuleType]:
    names = [
        found.name
        for package in PACKAGES
        for found in pkgutil.walk_packages([str(ROOT / package)], prefix=f"{package}.")
        if not found.name.startswith("web.migrations.") and not found.name.endswith("__main__")
    ]
    return [importlib.import_module(name) for name in names]
