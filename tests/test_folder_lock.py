from __future__ import annotations

import time
from pathlib import Path

import pytest

from repro import folder_lock
from repro.errors import InputError


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    file, busy = tmp_path / "lock", InputError("taken")
    with folder_lock.held(file, patience=0.0, busy=busy) as descriptor:
        assert descriptor > 2
        begin = time.monotonic()
        with (
            pytest.raises(InputError, match="taken"),
            folder_lock.held(file, patience=0.2, busy=busy),
        ):
            pytest.fail("held twice")
        assert time.monotonic() - begin >= 0.2
    with folder_lock.held(file, patience=0.0, busy=busy):
        pass  # free again
