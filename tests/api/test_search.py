"""Search: one box over everything the caller may see."""

import pytest


def found(client, words: str) -> list[dict]:
    answer = client.get("/api/v1/search", params={"q": words})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_an_area_is_found_by_name_in_both_languages_and_by_code(client) -> None:
    for words in ("枫一社区", "maple one", "990101001001"):
        first = found(client(), words)[0]
        assert (first["kind"], first["code"]) == ("area", "990101001001")
        assert first["bbox"][0] < first["center"][0] < first["bbox"][2]


def test_every_kind_is_found(client) -> None:
    assert {each["kind"] for each in found(client(), "枫一社区")} == {"area", "grid", "building", "officer", "facility"}
    assert [(each["kind"], each["id"]) for each in found(client(), "890003")] == [("incident", 890003)]
    assert found(client(), "枫一社区路2号")[0]["id"] == 820002


def test_letters_are_found_whatever_their_case(client, fresh, fresh_client) -> None:
    for words in ("MAPLE ONE", "maple one", "mApLe"):
        assert "990101001001" in {each["code"] for each in found(client(), words)}
    with fresh.owner() as owner:
        owner.execute("UPDATE facility SET name_en = 'CAFÉ Zoë' WHERE id = (SELECT min(id) FROM facility)")
        owner.commit()
    for words in ("café", "CAFÉ", "Caf", "zoË"):
        assert [each["label_en"] for each in found(fresh_client("operator"), words)] == ["CAFÉ Zoë"]


def test_nothing_outside_the_scope_is_found(client, district) -> None:
    for words in ("柳二", "Willow Two", "990101002002", "890007", "社区"):
        for each in found(client("clerk", "a1"), words):
            assert each["id"] not in district.foreign.numbers
            assert each["label"] not in district.foreign.words


def test_a_house_number_that_nothing_has_leads_to_the_closest_of_its_street(client, district) -> None:
    for words in ("枫一社区路9号", "枫一社区路9号附近", "枫一社区路9"):
        told = client().get("/api/v1/search", params={"q": words}).json()
        assert told["near"] is True
        numbers = [int(each["sub"].removeprefix("枫一社区路").split("号")[0]) for each in told["items"]]
        assert numbers
        assert numbers == sorted(numbers, key=lambda number: (abs(number - 9), number))
    assert client().get("/api/v1/search", params={"q": "枫一社区路2号"}).json()["near"] is False
    assert client().get("/api/v1/search", params={"q": "没有的路9号"}).json() == {"items": [], "near": False}
    assert found(client("clerk", "a1"), "柳二社区路9号") == []


def test_a_role_finds_only_what_it_may_see(client) -> None:
    assert {each["kind"] for each in found(client("system_admin"), "枫一社区")} == {"area", "grid", "building"}
    assert found(client("system_admin"), "890003") == []
    assert client("audit_admin").get("/api/v1/search", params={"q": "枫"}).status_code == 403


@pytest.mark.parametrize("words", ["%", "_", "\\", "'; DROP TABLE area; --", "枫%区", "99999999999999999999999", "²"])
def test_signs_mean_themselves(client, words: str) -> None:
    assert found(client(), words) == []


@pytest.mark.parametrize("words", ["", "   ", "x" * 81])
def test_empty_and_endless_words_are_refused(client, words: str) -> None:
    assert client().get("/api/v1/search", params={"q": words}).status_code == 422
