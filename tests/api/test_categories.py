"""Categories as everybody signed in meets them."""


def test_categories_come_with_their_sign_and_catalogue(client):
    told = client("officer", "a1").get("/api/v1/categories").json()["items"]
    assert [(each["id"], each["symbol"]) for each in sorted(told, key=lambda each: each["id"])] == [(410, "circle"), (420, "square")]
    assert all(each["catalogue"] and each["name_en"] for each in told)


def test_nobody_reads_categories_without_a_session(client):
    assert client(None).get("/api/v1/categories").status_code == 401
