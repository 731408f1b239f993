"""Every golden case: those of the modules `cases_<group>` beside this one, and the common errors."""

import pkgutil
from importlib import import_module

from tests.rest.golden.case import FOLDER, Case
from tests.rest.golden.common import with_common

_MODULES = sorted(one.name for one in pkgutil.iter_modules([str(FOLDER)]) if one.name.startswith("cases_"))

CASES: list[Case] = with_common(case for name in _MODULES for case in import_module(f"tests.rest.golden.{name}").CASES)
