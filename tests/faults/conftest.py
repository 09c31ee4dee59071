"""The place of all runs under faults: each verb's undisturbed run is made once for all tests."""

import pytest

from tests.faults.places import Place


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("faults"))
