"""papermill with a call-back per cell; everything else is papermill's own."""

from __future__ import annotations

import logging
import os
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
            options["transport"] = "ipc"
        super().__init__(**options)


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
