"""The reader of DeePMD-kit's learning curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import curves

# Lines as DeePMD-kit 3.1 and 3.2 wrote them in real trainings of ours.
NOTE = "# If there is no available reference data, rmse_*_{val,trn} will print nan\n"
HEAD = "# step       rmse_trn    rmse_e_trn    rmse_f_trn    rmse_v_trn   lr      \n" + NOTE
PLAIN = (
    HEAD
    + "      0      6.43e+01      1.61e+00      2.03e+00      3.97e-01    2.0e-03\n"
    + "    500      1.33e+01      4.70e-01      4.60e-01      2.50e-01    1.6e-03\n"
    + "   1000      6.52e+00      2.89e-01      2.48e-01      2.86e-01    1.3e-03\n"
)
BOTH_HEAD = ("# step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn"
             "    rmse_v_val  rmse_v_trn         lr\n" + NOTE)  # fmt: skip


def both(step: int, scale: float = 1.0) -> str:
    numbers = [3.12, 1.85, 0.0798, 0.097, 0.806, 0.319, 0.183, 0.162]
    words = "".join(f"   {scale * n:11.2e}" for n in numbers)
    return f"{step:7d}{words}   {2e-6:8.1e}\n"


def test_plain_curve_in_milli_units() -> None:
    curve = curves.parse(PLAIN)
    assert curve.steps.tolist() == [0, 500, 1000]
    assert curve.training.energy.tolist() == [1610.0, 470.0, 289.0]
    assert curve.training.force == pytest.approx([2030, 460, 248])
    assert curve.training.virial == pytest.approx([397, 250, 286])
    assert curve.learning_rate.tolist() == [2e-3, 1.6e-3, 1.3e-3]
    assert curve.validation is None
    assert list(curve.table().columns)[:3] == [
        "step", "learning_rate", "training_energy_meV_per_atom"]  # fmt: skip


def test_validation_and_training_are_not_mixed_up() -> None:
    curve = curves.parse(BOTH_HEAD + both(0) + both(10, 0.5))
    assert curve.validation is not None
    assert curve.validation.energy == pytest.approx([79.8, 39.9])
    assert curve.training.energy == pytest.approx([97.0, 48.5])
    assert curve.validation.force == pytest.approx([806, 403])
    assert curve.training.force == pytest.approx([319, 160])
    assert len(curve.table().columns) == 8


def test_without_virial_in_the_loss_it_is_nan() -> None:
    text = ("# step       rmse_trn    rmse_e_trn    rmse_f_trn   lr      \n"
            "      0      6.43e+01      1.61e+00      2.03e+00    2.0e-03\n")  # fmt: skip
    curve = curves.parse(text)
    assert np.isnan(curve.training.virial).all()
    assert curve.training.force == pytest.approx([2030.0])


def test_later_rows_of_a_resumed_training_count() -> None:
    text = BOTH_HEAD + both(0) + both(10) + both(20) + BOTH_HEAD + both(10, 2.0) + both(20, 3.0)
    curve = curves.parse(text)
    assert curve.steps.tolist() == [0, 10, 20]
    assert curve.training.energy == pytest.approx([97, 194, 291])


def test_a_line_still_being_written_is_left_out() -> None:
    whole = BOTH_HEAD + both(0) + both(10)
    for cut in range(len(whole) + 1):
        curve = curves.parse(whole[:cut])
        assert curve.steps.tolist() in ([], [0], [0, 10])
    assert curves.parse(whole).steps.tolist() == [0, 10]


def test_nan_is_kept_to_be_seen() -> None:
    curve = curves.parse(HEAD + "      0           nan           nan           nan           nan    2.0e-03\n")  # fmt: skip
    assert math.isnan(curve.training.force[0])


@pytest.mark.parametrize(("text", "message"), [
    ("      0      1.0   2.0\n", "line 1: numbers before the line '# step"),
    (HEAD + "  0  1.0  2.0\n", "line 3: 3 values, expected 6"),
    (HEAD + "  0  1.0  2.0 x 3.0 4.0\n", "line 3: could not convert string to float: 'x'"),
    (HEAD + "  0.5  1.0  2.0 1 3.0 4.0\n", "step 0.5, expected a whole number"),
    (HEAD + "  -1  1.0  2.0 1 3.0 4.0\n", "step -1"),
    (HEAD + "  nan  1.0  2.0 1 3.0 4.0\n", "step nan"),
    (HEAD + "  5 1 1 1 1 1\n  5 1 1 1 1 1\n", "step 5 after 5; steps can go back only"),
    (PLAIN + BOTH_HEAD, "line 6: columns step rmse_val"),
])  # fmt: skip
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        curves.parse(text)


def test_tail_is_a_root_mean_square() -> None:
    curve = curves.parse(PLAIN)
    assert curve.tail(0.1).force == pytest.approx([248])
    assert curve.tail(0.6).force == pytest.approx([math.sqrt((460**2 + 248**2) / 2)])
    assert curve.tail(1.0).energy == pytest.approx(
        [math.sqrt((1610**2 + 470**2 + 289**2) / 3)])  # fmt: skip
    for share in (0.0, -1.0, 1.1, math.nan):
        with pytest.raises(InputError, match="share"):
            curve.tail(share)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(0, 1e3) for _ in range(4)]), min_size=1, max_size=20))
def test_what_is_written_is_read(rows: list[tuple[float, ...]]) -> None:
    text = HEAD + "".join(
        f"{10 * n:7d}" + "".join(f"   {v:11.2e}" for v in row) + f"   {1e-3:8.1e}\n"
        for n, row in enumerate(rows)
    )
    curve = curves.parse(text)
    assert curve.steps.tolist() == [10 * n for n in range(len(rows))]
    assert curve.training.force == pytest.approx([1000 * r[2] for r in rows], rel=0.006, abs=1e-9)


@settings(deadline=None)
@given(st.text(alphabet="# step0123456789.en+-rmse_trnvalf\n ", max_size=120))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    try:
        curve = curves.parse(text, where="here")
    except InputError as error:
        assert str(error).startswith("here, line ")
    else:
        assert (np.diff(curve.steps) > 0).all()
