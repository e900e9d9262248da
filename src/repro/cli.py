"""The command ``repro``: run a notebook, build the book, hold the ledger, check the data."""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from repro import __version__
from repro.errors import ReproError

_EPILOG = """\
A first round:
  repro run --list                      what notebooks there are
  repro run 01 --parameters             what this one accepts
  repro run 01 -p source experiment     run it with another value
  repro run --all --explain             what would rerun, and why
  repro book                            build the book into _build/html
  repro sweep 04 -p confidence 0.7 0.9 --keys criteria.candidates --out c.csv
  repro student --out ~/course          the book without the solutions
"""


# The pattern of Python 3.14; before that -1e-3 is taken for an option.
_NEGATIVE = re.compile(r"-\.?\d")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="repro",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run, build and check the soft-clay companion.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, call: Callable[[argparse.Namespace], int], help: str, more: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=help,
            description=help + "\n\n" + textwrap.dedent(more).strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(call=call, misused=sub.error)
        return sub

    run = add(
        "run",
        _run,
        "Run a notebook with papermill, strictly.",
        """
        NOTEBOOK is a name or its beginning: 01, 01_which_salts_react, notebooks/01_....py.
        A parameter that the notebook does not declare, or a value that does not fit,
        stops the command before anything runs. A run whose source, parameters, parts of
        src/repro, data and lock are unchanged is not repeated.

        The executed notebook, its results and its record go to _build/runs/; a failed
        one to _build/failed/. Sources are never written.

        It prints every result and, last, those that differ from the run with default
        parameters.

        Examples:
          repro run 01 -p source experiment
          repro run 01 -p source experiment --figures ~/pictures
          repro run 01 -p source experiment --explain
          repro run --all
        """,
    )
    run._negative_number_matcher = _NEGATIVE
    run.add_argument("notebook", nargs="?", metavar="NOTEBOOK")
    run.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        dest="given",
        help="set a parameter (repeat for more)",
    )
    run.add_argument("--all", action="store_true", help="every notebook with its defaults")
    run.add_argument(
        "--explain", action="store_true", help="say what would rerun and why; run nothing"
    )
    run.add_argument("--parameters", action="store_true", help="show what the notebook accepts")
    run.add_argument("--list", action="store_true", help="list the notebooks")
    run.add_argument("--force", action="store_true", help="run even if nothing has changed")
    run.add_argument(
        "--figures", type=Path, metavar="FOLDER", help="save the figures of the run there, as PNG"
    )

    book = add(
        "book",
        _book,
        "Build the book into _build/html.",
        """
        Checks the shipped data, runs every notebook that needs it, holds each verdict of
        the ledger against the computed value, and builds the HTML with warnings as
        errors. Any failure leaves the last good book in place.
        """,
    )
    book.add_argument("--force", action="store_true", help="rerun and rebuild everything")

    claims = add(
        "claims",
        _claims,
        "Hold the claims ledger against computed values.",
        """
        Joins data/claims.yaml with the results of the default runs (running what has
        changed) and fails if a verdict does not hold.

        Examples:
          repro claims --verdict disagrees
          repro claims --no-run            check the schema and what is stored only
        """,
    )
    claims.add_argument("--verdict", help="list only the rows with this verdict")
    claims.add_argument("--no-run", action="store_true", help="use stored runs only")

    add(
        "verify",
        _verify,
        "Check every file of data/ against its manifest.",
        """
        Names each file that is truncated, altered, missing or not listed, with the
        expected and the found sha256.
        """,
    )
    sync = add(
        "sync",
        _sync,
        "Write each notebooks/*.ipynb from its script.",
        """
        The py:percent script is the source. --check writes nothing and fails if a pair
        disagrees, as CI does.
        """,
    )
    sync.add_argument(
        "--check", action="store_true", help="write nothing; fail if a pair disagrees"
    )
    sweep = add(
        "sweep",
        _sweep,
        "Run a chapter for several values of a parameter; collect the results.",
        """
        Each value is an ordinary run: checked before anything starts, kept, and not
        repeated. The table has a row for each run and result, with its uncertainty and
        unit, and is written anew after every run. A run that fails is reported in it,
        and the others go on. More than one -p with several values runs all combinations.

        Examples:
          repro sweep 04 -p confidence 0.7 0.84 0.95 --keys criteria.candidates --out c.csv
          repro sweep 03 -p peak_counts 500 5000 -p seed 1 2 3 --out xrd.csv
        """,
    )
    sweep._negative_number_matcher = _NEGATIVE
    sweep.add_argument("notebook", metavar="NOTEBOOK")
    sweep.add_argument(
        "-p",
        nargs="+",
        action="append",
        required=True,
        metavar=("NAME", "VALUE"),
        dest="given",
        help="a parameter and its values (repeat for more)",
    )
    sweep.add_argument(
        "--keys", nargs="+", default=[], metavar="KEY", help="results to collect (default: all)"
    )
    sweep.add_argument("--out", type=Path, required=True, metavar="FILE", help="the table, CSV")

    student = add(
        "student",
        _student,
        "Write the student edition: the book without solutions.",
        """
        Copies the whole repository, less what is not the book's, and takes the solution
        of every exercise out of it: text, code, and the ledger's rows that rest on them.
        Exercises stay, with a line that says where to write. The copy builds, runs and
        tests like the original. Notebooks in which somebody has worked are never
        written over. With --run its chapters are run as a student would, live parts off.

        Examples:
          repro student --out ~/course/week-1
          repro student --out ~/course/week-1 --run 02 04
          repro student --out ~/course/week-1 --run all
        """,
    )
    student.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    student.add_argument(
        "--run",
        nargs="+",
        default=[],
        metavar="NOTEBOOK",
        help="then run these chapters of it, or all",
    )
    crate = add(
        "crate",
        _crate,
        "Write the metadata of the repository as an RO-Crate.",
        """
        Writes ro-crate-metadata.json (RO-Crate 1.1, JSON-LD) into the root: chapters,
        data folders with their licences, sources and commands, and the sha256 of each
        file. It is checked by the rules of RO-Crate before it is written. Write it
        before you archive the repository; git ignores it.
        """,
    )
    crate.add_argument(
        "--check", action="store_true", help="write nothing; fail if the file is wrong or stale"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    from repro import notebooks, outcome, runner

    names = [book.name for book in notebooks.every()]
    if options.list:
        print("\n".join(names))
        return 0
    if options.all == bool(options.notebook):
        options.misused("name one notebook, or say --all; there are: " + ", ".join(names))
    if options.all and options.given:
        options.misused("-p belongs to one notebook; name it instead of --all")
    given = dict(options.given)
    if len(given) < len(options.given):
        options.misused("a parameter is given twice: " + " ".join(n for n, _ in options.given))
    chosen = names if options.all else [notebooks.find(options.notebook).name]
    if options.parameters:
        for name in chosen:
            print(name)
            for p in notebooks.find(name).parameters():
                print(f"  {p.name} ({p.kind}, default {p.default!r}): {p.meaning}; {p.allowed}")
        return 0
    if options.explain:
        for name, change in runner.explain(chosen, given).items():
            print(f"{name}: {'reruns: ' if change else 'kept: '}{change}")
        return 0
    if options.all:
        runs = runner.run_all(force=options.force)
    else:
        runs = [runner.run(chosen[0], given, force=options.force)]
    for finished in runs:
        print("\n".join(outcome.words(finished)))
        if options.figures is not None:
            files = outcome.save_figures(finished, options.figures)
            print(f"{len(files)} figures in {options.figures}")
    return 0


def _book(options: argparse.Namespace) -> int:
    from repro import book

    built = book.build(force=options.force)
    print(f"ledger: {book.summary(built.rows)}")
    print(f"{'built' if built.fresh else 'unchanged'}: {built.index}")
    return 0


def _claims(options: argparse.Namespace) -> int:
    from repro import book, ledger, notebooks, runner

    if options.verdict and options.verdict not in ledger.VERDICTS:
        options.misused(
            f"verdict {options.verdict!r}: expected one of {', '.join(ledger.VERDICTS)}"
        )
    if options.no_run:
        found = [runner.stored(*runner.prepare(b.name, {}))[0] for b in notebooks.every()]
        runs = [run for run in found if run is not None]
    else:
        runs = runner.run_all()
    rows = book.joined(runs)
    for row in rows:
        if options.verdict in (None, row.claim.verdict):
            ours = "" if row.computed is None else f", ours {row.computed}"
            print(f"{row.claim.verdict:28s} {row.claim.id}: paper {row.claim.published}{ours}")
    print(f"{len(rows)} claims: {book.summary(rows)}")
    # Without running, a value that is not there proves nothing; one that is must fit.
    book.require_verdicts([row for row in rows if row.computed] if options.no_run else rows)
    return 0


def _verify(_: argparse.Namespace) -> int:
    from repro import data

    print(f"{data.require_all()} files agree with their manifests")
    return 0


def _sync(options: argparse.Namespace) -> int:
    from repro import notebooks

    if options.check:
        for book in notebooks.every():
            notebooks.require_in_step(book)
        print("every pair says the same")
        return 0
    written = notebooks.sync()
    print("\n".join(str(file) for file in written) or "every pair says the same")
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from repro import sweep

    return sweep.command(options.notebook, options.given, options.keys, options.out)


def _student(options: argparse.Namespace) -> int:
    from repro import student

    chosen = student.chapters(options.run)  # a slip in a name is told before anything is written
    edition = student.write(options.out)
    taken = sum(edition.solutions.values())
    print(f"{edition.folder}: {taken} solutions taken out of {len(edition.solutions)} files")
    if edition.pending:
        print("left to the reader in the ledger: " + ", ".join(edition.pending))
    student.run(edition.folder, chosen)
    return 0


def _crate(options: argparse.Namespace) -> int:
    from repro import crate, crate_rules, paths

    if options.check:
        crate.check(paths.root())
        print(f"{crate_rules.FILE} keeps the rules and fits the files")
        return 0
    print(crate.write())
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0 is success, 1 something the reader can mend, 2 a wrong command line.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.call(options)
    except ReproError as error:
        print(f"repro: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `repro claims | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # shutil gathers such errors in one, without a number
        if "No space left on device" not in str(error):
            raise
        print("repro: the disk is full (No space left on device); make room and start the same "
              "command again: nothing half-written was kept", file=sys.stderr)  # fmt: skip
        return 1
    except KeyboardInterrupt:
        print("repro: interrupted; nothing half-written was kept", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
