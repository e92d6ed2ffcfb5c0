"""What the Ansible collection does by itself: how it calls the installer."""

from __future__ import annotations

import pytest
from ansible_collections.slashservice.slashservice.plugins.module_utils.service import as_file
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.converters import dotenv

NAMES = st.from_regex("[A-Za-z_0-9]{1,9}", fullmatch=True)
NONE_MAY_HAVE = set("\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, TEXTS))
def test_a_variable_comes_out_as_it_went_in(variables: dict[str, str]) -> None:
    try:
        text = as_file(variables)
    except ValueError as error:
        assert "a character in it that none may have" in str(error)
        assert NONE_MAY_HAVE & set("".join(variables.values()))
        return
    assert not NONE_MAY_HAVE & set("".join(variables.values()))
    assert dotenv.strictly(text, "env") == variables


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (8, "8"), (1.5, "1.5"), (None, ""), (["a"], '["a"]')]
)
def test_what_is_no_text_is_written_as_yaml_has_it(value: object, text: str) -> None:
    assert dotenv.strictly(as_file({"A": value}), "env") == {"A": text}


@pytest.mark.parametrize("name", ["", "A B", "A=B", "A\n", "a.b", "\u00e4"])
def test_a_name_that_none_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a variable"):
        as_file({name: "secret"})


def test_a_value_is_not_told_where_it_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        as_file({"A": "hunter2\0"})
    assert "hunter2" not in str(caught.value)
