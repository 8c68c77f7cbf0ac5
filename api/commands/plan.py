"""`plan`: proposals for files of polygons, and the plans of a deployment; each sub-command's work lies in its own file."""

import typer

from api.commands import plan_draft, plan_propose, plan_review

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("propose")(plan_propose.propose)
app.command("list")(plan_draft.page)
for word in ("new", "show", "apply", "undo", "redo", "log", "check", "history"):
    app.command(word)(getattr(plan_draft, word))
for word in ("submit", "approve", "publish", "reverse", "impact", "pdf"):
    app.command(word)(getattr(plan_review, word))
app.command("return")(plan_review.give_back)


@app.callback()
def plan() -> None:
    """Draft how ground is divided: `propose` works on plain files, the rest on the plans of a deployment."""
