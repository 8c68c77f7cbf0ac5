"""What a command says while it works."""

from api.commands.steps import Steps


def test_a_log_hears_what_begins_and_of_long_work_every_twentieth(capsys):
    with Steps().step("demo") as step:
        step.progress("streets", 0.1)
        for share in range(10, 31):
            step.progress("incidents", share / 100)
    said = [line.split("…")[1].split() for line in capsys.readouterr().out.splitlines() if "…" in line]
    assert said == [
        ["10%", "streets"],
        ["10%", "incidents"],
        ["15%", "incidents"],
        ["20%", "incidents"],
        ["25%", "incidents"],
        ["30%", "incidents"],
    ]
