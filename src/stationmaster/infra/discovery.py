"""Which files does a package hold? A new thing is a new file: nothing keeps a list of them."""

import importlib
import pkgutil
from types import ModuleType

from stationmaster.kernel.errors import Invalid

ROOT = "stationmaster"


def modules(package_name: str) -> list[ModuleType]:
    """Every module directly in the package, imported, by name; a leading underscore marks a helper."""
    package = importlib.import_module(package_name)
    if not hasattr(package, "__path__"):
        raise Invalid("not_a_package", f"{package_name} is no package")
    names = sorted(
        found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")
    )
    return [importlib.import_module(f"{package_name}.{name}") for name in names]


def rooms(furniture: str) -> list[str]:
    """The packages `stationmaster.<room>.<furniture>` that exist, e.g. every room's ``consumers``."""
    root = importlib.import_module(ROOT)
    found: list[str] = []
    for room in sorted(info.name for info in pkgutil.iter_modules(root.__path__) if info.ispkg):
        path = importlib.import_module(f"{ROOT}.{room}").__path__
        if any(info.ispkg and info.name == furniture for info in pkgutil.iter_modules(path)):
            found.append(f"{ROOT}.{room}.{furniture}")
    return found


def furniture(name: str) -> list[ModuleType]:
    """Every module of every room's package ``name`` (`consumers`, `jobs`)."""
    return [module for package in rooms(name) for module in modules(package)]
