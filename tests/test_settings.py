from pathlib import Path

import pytest

from rag.errors import SettingsError
from rag.settings import Settings


def test_arguments_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings().k == 10
    (tmp_path / "rag.toml").write_text("k = 11\ncandidates = 70\n")
    assert (Settings().k, Settings().candidates) == (11, 70)
    monkeypatch.setenv("RAG_K", "12")
    assert (Settings().k, Settings().candidates) == (12, 70)
    assert Settings(k=13).k == 13


def test_an_unknown_argument_names_the_nearest_setting() -> None:
    with pytest.raises(SettingsError, match="unknown argument 'chunk_token': did you mean 'chunk_tokens'"):
        Settings(chunk_token=100)


def test_an_unknown_variable_names_the_nearest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_STOR", "x")
    with pytest.raises(SettingsError, match="unknown environment variable 'RAG_STOR': did you mean 'RAG_STORE'"):
        Settings()


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("kk = 3\n")
    with pytest.raises(SettingsError, match=r"unknown rag\.toml key 'kk': did you mean 'k'"):
        Settings()


def test_broken_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("k = = 3\n")
    with pytest.raises(SettingsError, match=r"rag\.toml is not valid TOML"):
        Settings()


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("k", 0, "greater than or equal to 1"),
        ("strictness", 1.5, "less than or equal to 1"),
        ("k", "many", "integer"),
        ("chunk_overlap", 150, "at most half of chunk_tokens"),
    ],
)
def test_a_value_out_of_range_names_key_value_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"setting '{key}' has the value {value!r}: .*{allowed}"):
        Settings(**{key: value})


def test_changed_settings_are_checked_again() -> None:
    assert Settings().changed(k=3).k == 3
    with pytest.raises(SettingsError):
        Settings().changed(k=0)


def test_a_host_name_is_a_name_or_an_address_without_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_HOST_NAMES", '["notes.example", "192.0.2.7", "[2001:db8::1]"]')
    assert Settings().host_names == ("notes.example", "192.0.2.7", "[2001:db8::1]")
    for wrong in ("", "*", "notes.example:443", "https://notes.example", "Notes.example", "a b", "notes.example."):
        with pytest.raises(SettingsError, match="host_names"):
            Settings(host_names=(wrong,))
