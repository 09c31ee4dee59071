"""Modules that are loaded as soon as another one is, whoever imports it.

Keras finds a class of a saved model by a name that the class gave it when its module was loaded.
merzoo loads no framework by itself, so its classes make themselves known once the user loads Keras.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence


def after_import(name: str, modules: Sequence[str]) -> None:
    """Imports `modules` right after the module `name`, or now if that is loaded already.

    Args:
        name: of a module, such as `"keras"`; it need not be installed.
        modules: dotted names, in order.

    >>> after_import("merzoo", ["json"])  # which is loaded
    """
    if getattr(sys.modules.get(name), "__spec__", None) is not None:
        _import_all(modules)
    elif not any(isinstance(f, _Finder) and f.name == name for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder(name, modules))


def _import_all(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the module as the finders after it do, and has it followed by the others."""

    def __init__(self, name: str, modules: Sequence[str]):
        self.name, self.modules, self._asking = name, modules, False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name or self._asking:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Followed(spec.loader, self.modules)
        return spec


class _Followed(importlib.abc.Loader):
    """A loader after which other modules are imported."""

    def __init__(self, loader: importlib.abc.Loader, modules: Sequence[str]):
        self._loader, self._modules = loader, modules

    def __getattr__(self, name: str) -> object:  # such as `get_source`, for tracebacks
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        self._loader.exec_module(module)
        _import_all(self._modules)
