"""papermill with a call-back per cell; everything else is papermill's own."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines


class LocalKernelManager(AsyncKernelManager):
    """A kernel reached over a local socket: no ports that two runs could both want."""

    def __init__(self, **options: Any) -> None:
        if os.name == "posix":
            # Sockets are files. Left to itself jupyter_client names them kernel-ipc-1 ...
            # in the working directory, where two runs would talk to each other's kernel.
            folder = tempfile.mkdtemp(prefix="repro-")
            options |= {"transport": "ipc", "ip": os.path.join(folder, "kernel")}
        super().__init__(**options)
        if os.name == "posix":
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)


class ReportingEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine, which reports each finished cell."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, on_cell: Callable[[], None], **options: Any
    ) -> Any:
        """Execute as papermill does, calling ``on_cell`` after each cell."""
        complete = nb_man.cell_complete

        def cell_complete(*args: Any, **kwargs: Any) -> Any:
            on_cell()
            return complete(*args, **kwargs)

        nb_man.cell_complete = cell_complete
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register("repro", ReportingEngine)


def execute(
    source: Path,
    output: Path,
    *,
    parameters: Mapping[str, Any],
    cwd: Path,
    on_cell: Callable[[], None],
) -> Any:
    """Execute a notebook file with papermill; return the executed notebook.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails; ``output`` then holds what was reached.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)
    return papermill.execute_notebook(
        str(source),
        str(output),
        parameters=dict(parameters),
        engine_name="repro",
        kernel_name="python3",
        progress_bar=False,
        cwd=str(cwd),
        on_cell=on_cell,
        kernel_manager_class=LocalKernelManager,
    )
