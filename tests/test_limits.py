"""What a shell allows a process, as its user meets it."""

import sys

from tests.faults.child import ROOT, finished


def test_too_little_address_space_is_one_line_before_a_backend_is_loaded():
    words = f"ulimit -v 1000000; {sys.executable} -m merzoo evaluate ststnet --data arrays:none.npz"
    done = finished(["bash", "-c", words], cwd=ROOT)
    assert done.returncode == 2 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "1.0 GiB of address space" in line and "ulimit -v" in line
