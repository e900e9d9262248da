"""The live database, without a network: a stand-in client, and every way to fail."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from repro.errors import InputError
from repro.thermo import live, study

KEY = "k" * 32


class Client:
    """Behaves as far as needed like mp_api.client.MPRester."""

    answers: Any = ()
    asked: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, key: str) -> None:
        if key != KEY:
            raise ValueError(f"invalid key {key}")
        self.materials = SimpleNamespace(thermo=SimpleNamespace(search=self.search))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def search(self, **options: Any) -> Any:
        Client.asked = options
        if isinstance(Client.answers, Exception):
            raise Client.answers
        return Client.answers


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    module = ModuleType("mp_api.client")
    module.MPRester = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mp_api", ModuleType("mp_api"))
    monkeypatch.setitem(sys.modules, "mp_api.client", module)
    Client.answers = [
        SimpleNamespace(formula_pretty=f, formation_energy_per_atom=e)
        for f, e in (("LiCl", -2.1), ("LiCl", -2.2), ("GaF3", -3.0), ("LiF", -3.2),
                     ("GaCl3", -1.5), ("Ga3Cl7", None))
    ]  # fmt: skip
    return Client


def test_the_lowest_entry_of_each_formula_is_kept(client: type[Client]) -> None:
    table = live.fetch(["Li", "Cl"], mp_api_key=KEY)
    assert table["LiCl"].value == -2.2
    assert "Ga3Cl7" not in table
    assert sorted(client.asked["chemsys"]) == ["Cl", "Cl-Li", "Li"]


def test_the_own_pair_uses_live_energies(client: type[Client]) -> None:
    scan = study.own_pair("LiCl", "GaF3", "MP", mp_api_key=KEY)
    assert scan.source == "Materials Project (live)"


def test_the_key_may_come_from_the_environment(
    client: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_API_KEY", KEY)
    assert "live" in study.own_pair("LiCl", "GaF3", "MP", mp_api_key="env").source
    monkeypatch.delenv("MP_API_KEY")
    with pytest.raises(InputError, match="mp_api_key is empty"):
        study.own_pair("LiCl", "GaF3", "MP", mp_api_key="env")


def test_a_bad_key_ends_in_a_clear_message_that_does_not_repeat_it(client: type[Client]) -> None:
    with pytest.raises(InputError) as caught:
        live.fetch(["Li", "Cl"], mp_api_key="secret-but-wrong")
    assert "check mp_api_key" in str(caught.value)
    assert "secret-but-wrong" not in str(caught.value)


def test_no_network_ends_in_a_clear_message(client: type[Client]) -> None:
    client.answers = ConnectionError(f"no route to host with {KEY}")
    with pytest.raises(InputError, match=r"did not answer \(ConnectionError") as caught:
        live.fetch(["Li", "Cl"], mp_api_key=KEY)
    assert KEY not in str(caught.value)


def test_an_empty_answer_is_an_error(client: type[Client]) -> None:
    client.answers = []
    with pytest.raises(InputError, match="returned no phases of Cl-Li"):
        live.fetch(["Li", "Cl"], mp_api_key=KEY)


def test_an_absurd_energy_is_refused(client: type[Client]) -> None:
    client.answers = [SimpleNamespace(formula_pretty="LiCl", formation_energy_per_atom=-408.6)]
    with pytest.raises(InputError, match="cannot be a formation energy"):
        live.fetch(["Li", "Cl"], mp_api_key=KEY)


def test_without_the_package_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mp_api", None)
    monkeypatch.setitem(sys.modules, "mp_api.client", None)
    with pytest.raises(InputError, match="pip install mp-api"):
        live.fetch(["Li"], mp_api_key=KEY)


@pytest.mark.parametrize("key", ["", "   "])
def test_an_empty_key_never_reaches_the_network(key: str) -> None:
    with pytest.raises(InputError, match="mp_api_key is empty"):
        live.fetch(["Li"], mp_api_key=key)
