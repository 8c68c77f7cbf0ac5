"""Sealed fields open for their own row and column only, with the keys of the data folder, and never otherwise."""

import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import masking
from data import sealing
from data.sealing import Keyring, SealBroken
from gis.errors import Unavailable

RING = Keyring.fresh()


@given(st.binary(max_size=500), st.integers(min_value=0, max_value=2**62))
def test_what_was_sealed_comes_back(plain: bytes, row: int) -> None:
    assert RING.open("resident.sealed", row, RING.seal("resident.sealed", row, plain)) == plain


@given(
    st.dictionaries(st.sampled_from(["name", "phone", "number"]), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
)
def test_named_texts_come_back(fields: dict[str, str]) -> None:
    assert RING.open_fields("resident.sealed", 7, RING.seal_fields("resident.sealed", 7, fields)) == fields


@pytest.mark.parametrize(("column", "row"), [("resident.sealed", 8), ("officer.phone_sealed", 7)])
def test_a_field_moved_to_another_row_or_column_does_not_open(column: str, row: int) -> None:
    sealed = RING.seal("resident.sealed", 7, b"13800000000")
    with pytest.raises(SealBroken):
        RING.open(column, row, sealed)


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=255))
def test_one_changed_bit_is_noticed(position: int, flip: int) -> None:
    sealed = bytearray(RING.seal("resident.sealed", 7, "张三 13800000000".encode()))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(SealBroken):
        RING.open("resident.sealed", 7, bytes(sealed))


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x01" + bytes(20)])
def test_a_truncated_field_is_refused(cut: bytes) -> None:
    with pytest.raises(SealBroken):
        RING.open("resident.sealed", 7, cut)


def test_sealing_many_is_sealing_each_with_its_own_nonce() -> None:
    sealed = RING.seal_many("resident.sealed", range(1000), [b"same"] * 1000)
    assert len(set(sealed)) == 1000
    assert all(RING.open("resident.sealed", row, each) == b"same" for row, each in enumerate(sealed))


def test_after_a_rotation_old_fields_open_and_new_ones_use_the_new_key() -> None:
    old = RING.seal("resident.sealed", 7, b"old")
    rotated = RING.rotated()
    assert rotated.open("resident.sealed", 7, old) == b"old"
    new = rotated.seal("resident.sealed", 7, b"new")
    with pytest.raises(SealBroken):
        RING.open("resident.sealed", 7, new)


def test_equal_values_have_equal_blind_indexes_in_one_column_only() -> None:
    index = RING.blind_index("resident.phone", "138 0000 0000")
    assert index == RING.blind_index("resident.phone", "１３８-0000-0000")
    assert index != RING.blind_index("resident.number", "13800000000")
    assert index != Keyring.fresh().blind_index("resident.phone", "13800000000")
    assert len(index) == 16
    assert RING.blind_indexes("resident.phone", ["138 0000 0000"]) == [index]


def test_the_key_file_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = sealing.keyring(tmp_path)
    assert sealing.keyring(tmp_path) == first
    path = tmp_path / "keys" / "personal.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["personal.json"]


def test_two_that_make_the_keys_at_once_end_with_the_same_keys(tmp_path: Path) -> None:
    made: list[Keyring] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        made.append(sealing.keyring(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 8 and all(each == made[0] for each in made)


def test_rotation_is_kept_in_the_file(tmp_path: Path) -> None:
    sealed = sealing.keyring(tmp_path).seal("resident.sealed", 1, b"x")
    assert sealing.rotate(tmp_path).current == 2
    assert sealing.keyring(tmp_path).open("resident.sealed", 1, sealed) == b"x"


@pytest.mark.parametrize(
    "content", ["", "{}", '{"current": 1, "keys": {"1": "AAAA"}, "index": "AAAA"}', '{"current": 2, "keys": {}, "index": ""}']
)
def test_a_damaged_key_file_is_refused_and_never_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").mkdir()
    path = tmp_path / "keys" / "personal.json"
    path.write_text(content)
    with pytest.raises(Unavailable, match="backup"):
        sealing.keyring(tmp_path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (masking.name, "张三", "张*"), (masking.name, "欧阳小明", "欧**"), (masking.name, "Li", "L*"), (masking.name, "", ""),
        (masking.phone, "13800000000", "138****0000"), (masking.phone, "62345678", "623*5678"), (masking.phone, "110", "*10"),
        (masking.phone, "7", "*"), (masking.number, "31010419800101123X", "310104********123X"), (masking.number, "12345", "*****"),
    ],
)  # fmt: skip
def test_masks_show_little(mask, value: str, shown: str) -> None:  # type: ignore[no-untyped-def]
    assert mask(value) == shown
