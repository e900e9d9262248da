"""The claims ledger: its form, agreement with tolerance, and verdicts that hold."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import World, a_claim, a_result, claim_row, ledger_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro import ledger
from repro.errors import ClaimError
from repro.ledger import Row, agreement, check, counts, parse

ERRATUM = {
    "id": "slip",
    "where": "Methods",
    "printed": "2 + 2 = 5",
    "problem": "two and two are four",
    "resolution": "read 4",
}


class TestParse:
    """What is accepted, and how what is not is named."""

    def test_a_good_row(self) -> None:
        book = parse(ledger_text(claim_row("one", figure="fig-one"), errata=[ERRATUM]))
        (claim,) = book.claims
        assert (claim.id, claim.published.value, claim.figure) == ("one", 42.0, "fig-one")
        assert claim.tolerance["abs"] == 1.0
        assert book.errata[0].printed == "2 + 2 = 5"

    def test_order_is_kept(self) -> None:
        ids = ["z", "a", "m"]
        assert [c.id for c in parse(ledger_text(*map(claim_row, ids))).claims] == ids

    @pytest.mark.parametrize("field", [k for k in claim_row() if k != "id"])
    def test_a_missing_field_is_named_with_its_row(self, field: str) -> None:
        row = claim_row("row-seven")
        del row[field]
        with pytest.raises(ClaimError) as caught:
            parse(ledger_text(claim_row("one"), row))
        assert "claims row 'row-seven'" in str(caught.value)
        assert f"'{field}' is a required property" in str(caught.value)

    def test_a_row_without_id_is_named_by_its_place(self) -> None:
        row = claim_row()
        del row["id"]
        with pytest.raises(ClaimError, match=r"claims\.1: 'id' is a required property"):
            parse(ledger_text(claim_row(), row))

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"kind": "guess"}, "kind"),
            ({"verdict": "maybe"}, "verdict"),
            ({"says": "x" * 241}, "says"),
            ({"says": ""}, "says"),
            ({"where": 3}, "where"),
            ({"chapter": "src/x"}, "chapter"),
            ({"figure": "one"}, "figure"),
            ({"result": "Not A Key"}, "result"),
            ({"note": None}, "note"),
            ({"published": {"relation": "=", "value": "42", "unit": "K"}}, "published.value"),
            ({"published": {"relation": "=", "value": True, "unit": "K"}}, "published.value"),
            ({"published": {"relation": "=", "value": None, "unit": "K"}}, "published.value"),
            ({"published": {"relation": "range", "value": 4, "unit": "K"}}, "published.value"),
            ({"published": {"relation": "range", "value": [4], "unit": "K"}}, "published.value"),
            ({"published": {"relation": "text", "value": 4, "unit": ""}}, "published.value"),
            ({"published": {"relation": "!=", "value": 4, "unit": ""}}, "published.relation"),
            ({"published": {"relation": "=", "value": 4}}, "published"),
            ({"tolerance": {"abs": -1, "why": "because"}}, "tolerance.abs"),
            ({"tolerance": {"abs": 1}}, "tolerance"),
            ({"tolerance": {"why": "because"}}, "tolerance"),
            ({"tolerance": {"abs": 1, "rel": 1, "why": "because"}}, "tolerance"),
            ({"tolerance": {"exact": False, "why": "because"}}, "tolerance.exact"),
            ({"tolerance": {"abs": 1, "why": ""}}, "tolerance.why"),
        ],
    )
    def test_a_wrong_field_is_named_with_its_row(self, change: dict[str, Any], field: str) -> None:
        with pytest.raises(ClaimError) as caught:
            parse(ledger_text(claim_row("one"), claim_row("row-seven", **change)), name="here.yaml")
        message = str(caught.value)
        assert message.startswith("here.yaml: ")
        assert "row-seven" in message
        assert f"field '{field}" in message

    def test_a_malformed_id_is_named(self) -> None:
        with pytest.raises(ClaimError, match=r"'Row 7', field 'id'.*does not match"):
            parse(ledger_text(claim_row("Row 7")))

    def test_an_unknown_field_is_named(self) -> None:
        with pytest.raises(ClaimError, match=r"row 'one'.*'remark' was unexpected"):
            parse(ledger_text(claim_row("one", remark="x")))

    def test_a_wrong_erratum_is_named(self) -> None:
        with pytest.raises(ClaimError, match="errata row 'slip', field 'problem'"):
            parse(ledger_text(errata=[{**ERRATUM, "problem": 3}]))

    @pytest.mark.parametrize(
        ("rows", "errata", "said"),
        [
            ([claim_row("one"), claim_row("one")], [], "claim id 'one' stands twice"),
            ([claim_row("one")], [ERRATUM, ERRATUM], "erratum id 'slip' stands twice"),
        ],
    )
    def test_an_id_that_stands_twice(self, rows: Any, errata: Any, said: str) -> None:
        with pytest.raises(ClaimError, match=said):
            parse(ledger_text(*rows, errata=errata))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"published": {"relation": "=", "value": math.nan, "unit": "K"}}, "finite numbers"),
            ({"published": {"relation": "=", "value": math.inf, "unit": "K"}}, "finite numbers"),
            ({"published": {"relation": "=", "value": 10**400, "unit": "K"}}, "finite numbers"),
            (
                {"published": {"relation": "range", "value": [1, math.inf], "unit": "K"}},
                "finite numbers",
            ),
            ({"tolerance": {"abs": math.nan, "why": "because"}}, "finite numbers"),
            ({"tolerance": {"rel": math.inf, "why": "because"}}, "finite numbers"),
            ({"tolerance": {"abs": 10**400, "why": "because"}}, "finite numbers"),
            (
                {"published": {"relation": "range", "value": [4, 2], "unit": "K"}},
                "range runs backwards",
            ),
            ({"published": {"relation": "text", "value": True, "unit": ""}}, "needs 'exact: true'"),
            ({"verdict": "reproduced"}, "needs a computed result"),
            ({"verdict": "reproduced at reduced scale"}, "needs a computed result"),
            ({"verdict": "disagrees", "note": "why"}, "needs a computed result"),
            ({"result": "a.b"}, "has result 'a.b' but verdict 'pending'"),
            (
                {"result": "a.b", "verdict": "not testable here", "note": "why"},
                "has result 'a.b' but verdict 'not testable here'",
            ),
            ({"result": "a.b", "verdict": "reproduced", "chapter": None}, "needs the chapter"),
            ({"result": "a.b", "verdict": "disagrees"}, "needs a note that says why"),
            ({"verdict": "not testable here", "note": " "}, "needs a note that says why"),
        ],
    )
    def test_a_row_that_contradicts_itself(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(ClaimError) as caught:
            parse(ledger_text(claim_row("one"), claim_row("row-seven", **change)))
        assert "claim 'row-seven'" in str(caught.value)
        assert said in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "null",
            "3",
            "[]",
            "{}",
            "claims: 3",
            "claims: {a: 1}",
            "claims: [3]",
            "claims: [[]]",
            "schema: 2",
            "1: 2",
            "? [a]\n: b",
            "a: &x [*x]",
            "claims: &x [*x]",
            "!!python/object:os.system x",
            "!!int ''",
            "!!bool maybe",
            "!!timestamp later",
            "2001-99-99",
            "\x00",
            "{",
            "[" * 600,
            "a: b: c",
            "'",
            "\t- x",
            "=",
            "<<: 3",
        ],
    )
    def test_other_texts_are_refused(self, text: str) -> None:
        with pytest.raises(ClaimError, match=r"here\.yaml"):
            parse(text, name="here.yaml")

    @given(st.text())
    def test_arbitrary_text_raises_nothing_but_a_claim_error(self, text: str) -> None:
        with pytest.raises(ClaimError):
            parse(text)

    @given(st.text(alphabet="{}[]:,-&*!|>'\"#%@`?=<\n \tab01.~", max_size=40))
    @settings(max_examples=300)
    def test_yaml_like_text_raises_nothing_but_a_claim_error(self, text: str) -> None:
        with pytest.raises(ClaimError):
            parse(text)

    VALUES = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
        ),
        max_leaves=5,
    )

    @given(
        st.sampled_from(
            [("claims",), ("schema",), ("errata",), ("paper",)]
            + [("claims", 0)]
            + [("claims", 0, key) for key in claim_row()]
            + [("claims", 0, "published", key) for key in ("relation", "value", "unit")]
            + [("claims", 0, "tolerance", key) for key in ("abs", "why", "exact", "other")]
        ),
        VALUES,
    )
    @settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    def test_a_ledger_with_anything_anywhere_parses_or_is_refused(
        self, place: tuple[Any, ...], value: Any
    ) -> None:
        content = yaml.safe_load(ledger_text(claim_row("one")))
        inner = content
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
        try:
            book = parse(yaml.safe_dump(content))
        except ClaimError:
            return
        for row in book.join({}):
            assert str(row.claim.published) is not None


class TestLoad:
    """The file of this book."""

    def test_it_is_read_again_when_it_changes(self, world: World) -> None:
        world.claims(claim_row("one"))
        assert ledger.load().claims[0].id == "one"
        world.claims(claim_row("two"))
        assert ledger.load().claims[0].id == "two"

    def test_a_missing_file(self, world: World) -> None:
        with pytest.raises(ClaimError, match=r"claims\.yaml: the claims ledger is missing"):
            ledger.load()

    def test_a_file_that_is_not_utf8(self, world: World) -> None:
        (world.root / "data/claims.yaml").write_bytes(b"schema: '\xff'")
        with pytest.raises(ClaimError, match=r"claims\.yaml: expected UTF-8"):
            ledger.load()

    def test_an_unknown_id_suggests_the_nearest(self, world: World) -> None:
        world.claims(claim_row("exchange-energy"))
        with pytest.raises(ClaimError, match=r"no claim 'exchange-enrgy'.*'exchange-energy'"):
            ledger.load()["exchange-enrgy"]

    def test_published_returns_the_value_and_notes_the_row(
        self, world: World, run_folder: Path
    ) -> None:
        world.claims(claim_row("one"), claim_row("two"))
        assert ledger.published("one") == 42.0
        lines = (run_folder / "data_reads.jsonl").read_text().splitlines()
        noted = [json.loads(line) for line in lines]
        assert noted == [
            {"file": "claims.yaml#one", "sha256": ledger.row_digest(ledger.load()["one"])}
        ]

    def test_the_ledger_of_the_book_parses(self) -> None:
        book = ledger.load()
        assert len(book.claims) >= 80
        assert book.errata
        assert sum(counts(book.join({})).values()) == len(book.claims)


#   relation, published, tolerance, values that agree, values that do not
EDGES: list[tuple[str, Any, dict[str, float], list[float], list[float]]] = [
    ("=", 42.0, {"abs": 1.0}, [41.0, 42.0, 43.0], [40.999, 43.001]),
    ("=", -93.0, {"rel": 0.1}, [-102.3, -93.0, -83.7], [-102.31, -83.69]),
    ("~", 4.0, {"abs": 0.5}, [3.5, 4.5], [3.49, 4.51]),
    ("=", 0.3, {"abs": 0.1}, [0.2, 0.4], [0.199999, 0.400001]),
    ("=", 0.0, {"rel": 0.5}, [0.0], [1e-9, -1e-9]),
    ("=", 18.0, {"exact": True}, [18.0], [17.999, 18.001]),
    ("<", 70.0, {"abs": 0.0}, [69.999, -5.0], [70.0, 70.001]),
    ("<", 70.0, {"exact": True}, [69.999], [70.0]),
    ("<", 70.0, {"abs": 5.0}, [74.999], [75.0, 75.001]),
    ("<=", 70.0, {"abs": 0.0}, [69.0, 70.0], [70.001]),
    ("<=", 70.0, {"abs": 5.0}, [75.0], [75.001]),
    ("<=", 0.3, {"abs": 0.1}, [0.4], [0.400001]),
    (">", 1e9, {"rel": 0.0}, [1.1e9], [1e9, 0.9e9]),
    (">", 100.0, {"rel": 0.1}, [90.001], [90.0, 89.9]),
    (">=", 100.0, {"rel": 0.1}, [90.0, 1e6], [89.999]),
    (">=", -0.3, {"abs": 0.1}, [-0.4], [-0.400001]),
    ("range", [2.0, 4.0], {"exact": True}, [2.0, 3.0, 4.0], [1.999, 4.001]),
    ("range", [2.0, 4.0], {"abs": 0.5}, [1.5, 4.5], [1.499, 4.501]),
    ("range", [2.0, 4.0], {"rel": 0.1}, [1.8, 4.4], [1.799, 4.401]),
    ("range", [0.3, 0.3], {"abs": 0.1}, [0.2, 0.4], [0.19, 0.41]),
    ("range", [-4.0, -2.0], {"rel": 0.1}, [-4.4, -1.8], [-4.41, -1.79]),
]


class TestAgreement:
    """Every relation at the edges of its tolerance."""

    @pytest.mark.parametrize(("relation", "value", "tolerance", "good", "bad"), EDGES)
    def test_edges(
        self,
        relation: str,
        value: Any,
        tolerance: dict[str, Any],
        good: list[float],
        bad: list[float],
    ) -> None:
        claim = a_claim(relation, value, tolerance={**tolerance, "why": "because"})
        assert [agreement(claim, a_result(v)) for v in good] == [True] * len(good)
        assert [agreement(claim, a_result(v)) for v in bad] == [False] * len(bad)

    @pytest.mark.parametrize(
        ("published", "computed", "agrees"),
        [(True, True, True), (True, False, False), ("LiF", "LiF", True), ("LiF", "lif", False)],
    )
    def test_texts_and_yes_no(self, published: Any, computed: Any, agrees: bool) -> None:
        claim = a_claim("text", published, "", tolerance={"exact": True, "why": "because"})
        assert agreement(claim, a_result(computed, "")) is agrees

    @pytest.mark.parametrize(
        ("published", "computed"), [(True, "yes"), (True, 1.0), ("1", 1.0), ("yes", True)]
    )
    def test_a_text_meets_another_kind(self, published: Any, computed: Any) -> None:
        claim = a_claim("text", published, "", tolerance={"exact": True, "why": "because"})
        with pytest.raises(ClaimError, match="is of another kind"):
            agreement(claim, a_result(computed, ""))

    @pytest.mark.parametrize("computed", ["42", True])
    def test_a_number_meets_another_kind(self, computed: Any) -> None:
        with pytest.raises(ClaimError, match="claim 'one': expected a number"):
            agreement(a_claim(), a_result(computed))

    def test_units_must_be_the_same(self) -> None:
        with pytest.raises(ClaimError, match=r"'one': published in 'K', computed .* in 'C'"):
            agreement(a_claim(), a_result(unit="C"))

    NUMBERS = st.floats(-1e6, 1e6)
    SLACK = st.floats(0, 1e3)
    RELATIONS = st.sampled_from(["=", "~", "<", "<=", ">", ">="])

    @given(NUMBERS, NUMBERS, SLACK)
    def test_equality_is_symmetric_for_an_absolute_tolerance(
        self, a: float, b: float, slack: float
    ) -> None:
        tolerance = {"abs": slack, "why": "because"}
        # Between the two roundings either answer is right.
        if abs(abs(a - b) - slack) <= 2e-12 * max(abs(a), abs(b), slack):
            return
        assert agreement(a_claim("=", a, tolerance=tolerance), a_result(b)) == agreement(
            a_claim("=", b, tolerance=tolerance), a_result(a)
        )

    @given(RELATIONS, NUMBERS, NUMBERS, SLACK, SLACK, st.sampled_from(["abs", "rel"]))
    def test_a_wider_tolerance_never_loses_agreement(
        self, relation: str, p: float, c: float, s: float, t: float, kind: str
    ) -> None:
        narrow, wide = (
            agreement(a_claim(relation, p, tolerance={kind: x, "why": "because"}), a_result(c))
            for x in sorted((s, t))
        )
        assert wide or not narrow

    @given(st.lists(NUMBERS, min_size=2, max_size=2).map(sorted), NUMBERS, SLACK, SLACK)
    def test_a_wider_tolerance_never_loses_agreement_with_a_range(
        self, p: list[float], c: float, s: float, t: float
    ) -> None:
        narrow, wide = (
            agreement(a_claim("range", p, tolerance={"abs": x, "why": "because"}), a_result(c))
            for x in sorted((s, t))
        )
        assert wide or not narrow

    @given(RELATIONS, NUMBERS, NUMBERS, SLACK)
    def test_agreement_is_that_of_exact_arithmetic(
        self, relation: str, p: float, c: float, slack: float
    ) -> None:
        claim = a_claim(relation, p, tolerance={"abs": slack, "why": "because"})
        difference, t = Fraction(c) - Fraction(p), Fraction(slack)
        if abs(abs(difference) - t) <= Fraction(2e-12) * max(abs(Fraction(p)), t):
            return  # on the edge, to within rounding
        expected = {
            "=": abs(difference) <= t,
            "~": abs(difference) <= t,
            "<": difference < t,
            "<=": difference <= t,
            ">": difference > -t,
            ">=": difference >= -t,
        }[relation]
        assert agreement(claim, a_result(c)) is expected


class TestVerdicts:
    """A verdict must match the number, in both directions."""

    @pytest.mark.parametrize("verdict", ["reproduced", "reproduced at reduced scale"])
    def test_a_good_value_holds_an_agreeing_verdict(self, verdict: str) -> None:
        assert check([Row(a_claim(verdict=verdict), a_result(42.5))]) == []

    def test_a_bad_value_holds_a_disagreeing_verdict(self) -> None:
        assert check([Row(a_claim(verdict="disagrees", note="why"), a_result(50.0))]) == []

    @pytest.mark.parametrize(
        ("verdict", "value", "state"),
        [
            ("reproduced", 50.0, "outside"),
            ("reproduced at reduced scale", 50.0, "outside"),
            ("disagrees", 42.0, "within"),
        ],
    )
    def test_a_verdict_that_no_longer_holds(self, verdict: str, value: float, state: str) -> None:
        (problem,) = check([Row(a_claim(verdict=verdict), a_result(value, uncertainty=0.5))])
        assert problem.startswith(f"one: computed {value:.2f} ± 0.50 K is {state} the tolerance")
        assert "published 42 K" in problem
        assert repr(verdict) in problem
        assert "data/claims.yaml" in problem

    def test_a_result_that_nothing_recorded(self) -> None:
        (problem,) = check([Row(a_claim(), None)])
        assert problem == "one: verdict 'reproduced', but no notebook recorded 'small.answer'"

    def test_rows_without_result_are_not_judged(self) -> None:
        assert check([Row(a_claim(result=None, verdict="pending"), None)]) == []

    def test_a_unit_mismatch_is_a_problem_not_a_crash(self) -> None:
        (problem,) = check([Row(a_claim(), a_result(unit="C"))])
        assert "published in 'K'" in problem

    def test_all_problems_are_given(self) -> None:
        rows = [Row(a_claim(id=f"c{n}"), a_result(50.0)) for n in range(3)]
        assert [p.partition(":")[0] for p in check(rows)] == ["c0", "c1", "c2"]

    def test_join_finds_values_by_key(self) -> None:
        book = parse(
            ledger_text(
                claim_row("one", result="a.b", verdict="reproduced"),
                claim_row("two"),
                claim_row("three", result="c", verdict="reproduced"),
            )
        )
        rows = book.join({"a.b": a_result(42.0, key="a.b"), "unused": a_result()})
        assert [row.computed and row.computed.key for row in rows] == ["a.b", None, None]
        assert [row.agrees for row in rows] == [True, None, None]

    def test_counts_of_every_verdict(self) -> None:
        rows = [Row(a_claim(), None), Row(a_claim(verdict="disagrees"), None)]
        assert counts(rows) == {
            "reproduced": 1,
            "reproduced at reduced scale": 0,
            "disagrees": 1,
            "not testable here": 0,
            "pending": 0,
        }


@pytest.mark.parametrize(
    ("relation", "value", "unit", "words"),
    [
        ("=", 878.0, "K", "878 K"),
        ("~", -58, "C", "~ -58 C"),
        ("<", 1, "meV/atom", "< 1 meV/atom"),
        (">=", 0.5, "", ">= 0.5"),
        ("range", [2, 4], "mol", "2 to 4 mol"),
        ("text", True, "", "yes"),
        ("text", False, "", "no"),
        ("text", "LiF", "", "LiF"),
    ],
)
def test_published_values_in_words(relation: str, value: Any, unit: str, words: str) -> None:
    assert str(ledger.Published(relation, value, unit)) == words


def test_row_digest_is_of_content_only() -> None:
    claim = a_claim()
    assert ledger.row_digest(claim) == ledger.row_digest(copy.deepcopy(claim))
    for field in dataclasses.fields(claim):
        if field.name != "published":
            changed = dataclasses.replace(claim, **{field.name: "another"})
            assert ledger.row_digest(changed) != ledger.row_digest(claim), field.name
