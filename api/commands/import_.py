"""`import`: files of areas, grids, buildings, households or incidents, through a mapping file; every row is accounted for."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api import tokens
from api.deployment import Deployment
from api.imports import mapping as mappings
from api.imports import service
from api.imports import suggest as suggest_
from api.imports.mapping import NEVER_LOADED, LayerMapping, Mapping
from api.imports.report import FileReport, Report, write_defects, write_errors
from data.database import Database, open_database
from data.files.desk import Desk
from data.files.layer import Question
from data.scope import Scope
from data.sealing import Keyring
from gis.errors import BadFile, BadMapping

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
SAMPLE_COLUMNS_CHARACTERS = 60
SAMPLE_ROWS = 3
SUGGEST_FROM_ROWS = 200
STEPS = ("snap", "slivers", "fit", "outline", "valid")
TOLD = 8


@app.command()
def import_(  # noqa: PLR0913, PLR0917  each is an option of the command
    paths: Annotated[list[Path], typer.Argument(help="Files to import, or mapping files (.toml) that name them.")],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML): how columns become our fields.")] = None,
    files: Annotated[Path | None, typer.Option(help="Folder in which the files that a mapping names lie.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the deployment. Default: the running one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all of it, report, and take it back.")] = False,
    preview: Annotated[int | None, typer.Option(min=1, max=1000, help="Show what the file is and its first rows; stores nothing.")] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Print a starter mapping (TOML) for the files, with guessed columns; stores nothing.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Refused rows, in the source's own columns with the reason: a .csv or a folder.")
    ] = None,
    defects: Annotated[Path | None, typer.Option(help="Gaps, overlaps and straddling grids, as GeoJSON.")] = None,
    mend: Annotated[list[str] | None, typer.Option(help=f"A mending step to add: {', '.join(STEPS)}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Import files, all or nothing each; a second import of the same file changes nothing.

    Exit status: 0 when every file came in (single rows may be refused), 1 when a file was refused.
    """
    wanted, plain = _mappings_and_files(paths, mapping)
    if preview is not None and plain:
        _preview(plain, wanted, preview)
        return
    if suggest:
        _suggest(plain)
        return
    if not wanted:
        _preview(plain, [], SAMPLE_ROWS, out=sys.stderr)
        raise BadMapping(
            "Say how these columns are to be read: --mapping FILE. A first mapping is written by:"
            f" ./wangge import {plain[0]} --suggest > mapping.toml   (docs/import.md tells what a mapping can say)"
        )
    report, hot_spots = Report(), ""

    def keys() -> Keyring:
        return Deployment(data).keys()

    with Desk() as desk, _opened(Deployment(data)) as (database, scope, schema_url), _progress(quiet=as_json) as say:
        for path in wanted:
            chosen, digest = mappings.load(path)
            chosen = _with_steps(chosen, mend or [])
            todo = service.jobs(chosen, plain, files)
            service.run(service.Run(database, scope, desk, chosen, digest, say, keys, report), todo, dry_run=dry_run)
        if not dry_run and any(each.loaded for each in report.files if each.noun == "incident"):
            _finish(schema_url, say)
            hot_spots = _hot_spots(schema_url, say)
    written = _write(report, errors, defects, Deployment(data).data)
    _tell(report, written, hot_spots, as_json=as_json)
    if not report.whole:
        sys.exit(1)


def _mappings_and_files(paths: list[Path], mapping: Path | None) -> tuple[list[Path], list[Path]]:
    named = [path for path in paths if path.suffix.lower() == ".toml"]
    plain = [path for path in paths if path.suffix.lower() != ".toml"]
    for path in plain:
        if path.is_dir():
            raise BadFile(f"{path} is a folder. Name its files, or a mapping that does together with --files {path}")
    return ([mapping] if mapping else []) + named, plain


@contextmanager
def _opened(deployment: Deployment) -> Iterator[tuple[Database, Scope, str]]:
    urls = deployment.wake()
    database = open_database(urls.schema, pool_size=2)
    try:
        with tokens.import_session(urls.schema, database) as scope:
            yield database, scope, urls.schema
    finally:
        database.close()


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that moves on a terminal; silence for programs and logs."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def say(what: str) -> None:
            place, _, name = what.partition(" ")
            done, _, all_of = place.partition("/")
            if done.isdigit() and all_of.isdigit():
                progress.update(task, total=int(all_of), completed=int(done) - 1, description=name)
            else:
                progress.update(task, description=what)

        yield say


def _with_steps(chosen: Mapping, steps: list[str]) -> Mapping:
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise BadMapping(f"There is no mending step {', '.join(unknown)}; there are {', '.join(STEPS)}.")
    if not steps:
        return chosen
    layers = tuple(layer.model_copy(update={"mend": (*layer.mend, *steps)}) for layer in chosen.layer)
    rules = chosen.ground.model_copy(update={"mend": (*chosen.ground.mend, *steps)})
    return chosen.model_copy(update={"layer": layers, "ground": rules})


def _finish(schema_url: str, say: Callable[[str], None]) -> None:
    from data.queries.incident_load import finish_load  # noqa: PLC0415  only a load of incidents needs it

    say("counting statistics anew")
    finish_load(schema_url)


def _hot_spots(schema_url: str, say: Callable[[str], None]) -> str:
    """Work the hot spots out anew, so that the page shows those of the incidents that have just come; what came of it in words."""
    from api.analyses import maps  # noqa: PLC0415  scipy and numba take seconds to load
    from api.work import Work  # noqa: PLC0415

    say("working out hot spots")
    work = Work(schema_url)
    try:
        return maps.made_told(work)
    finally:
        work.close()


def _suggest(paths: list[Path]) -> None:
    """A starter mapping on standard output, what the files are on standard error."""
    if not paths:
        raise BadFile("Name the file a mapping is wanted for: ./wangge import FILE --suggest")
    _preview(paths, [], SAMPLE_ROWS, out=sys.stderr)
    with Desk() as desk:
        for path in paths:
            print(suggest_.mapping_for(path, desk.read(path, Question(limit=SUGGEST_FROM_ROWS))))


def _preview(paths: list[Path], wanted: list[Path], rows: int, out: TextIO | None = None) -> None:
    """What a file is, as it was found, and its first rows; read without a deployment."""
    layers: tuple[LayerMapping, ...] = ()
    for path in wanted:
        layers += mappings.load(path)[0].layer
    with Desk() as desk:
        for path in paths:
            question = layers[0].question(rows) if len(layers) == 1 else Question(limit=rows)
            layer = desk.read(path, question)
            facts = layer.findings
            print(f"{path.name}: {facts.kind}, layer {facts.layer or '-'}, coordinate system {facts.crs or 'not said'},"
                  f" encoding {facts.encoding or '-'} ({facts.encoding_how or 'as the format says'})", file=out)  # fmt: skip
            for note in facts.notes:
                print(f"  note: {note}", file=out)
            for name in layer.rows.columns:
                personal = str(name).strip().lower() in NEVER_LOADED
                values = "(persons: not shown)" if personal else " | ".join(str(value) for value in layer.rows[name].head(rows))
                print(f"  {name!s:<28} {values[:SAMPLE_COLUMNS_CHARACTERS]}", file=out)
            if layer.spatial:
                print(
                    f"  {'shapes':<28} {', '.join(sorted({each.geom_type for each in layer.shapes if each is not None})) or 'none'}",
                    file=out,
                )


def _write(report: Report, errors: Path | None, defects: Path | None, data: Path) -> dict[str, list[str]]:
    """Errors always go to a file, so that nothing refused is lost; defects when asked for."""
    target = errors or data / "imports" / time.strftime("errors-%Y%m%d-%H%M%S")
    written = {"errors": [str(path) for path in write_errors(report, target)]}
    if defects is not None and write_defects(report, defects):
        written["defects"] = [str(defects)]
    return written


def _tell(report: Report, written: dict[str, list[str]], hot_spots: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**report.facts(), "hot_spots": hot_spots, "written": written}, ensure_ascii=False, default=str))
        return
    if report.dry_run:
        print("Dry run: everything below was taken back.")
    for each in report.files:
        _tell_file(each)
    _tell_ground(report.ground)
    for name, why in report.refused_files.items():
        print(f"REFUSED {name}: {why}")
    if hot_spots:
        print(f"hot spots   {hot_spots}")
    for kind, paths in written.items():
        if paths:
            print(f"{'Refused rows' if kind == 'errors' else 'Defects'} are in {paths[0] if len(paths) == 1 else Path(paths[0]).parent}")


def _tell_file(report: FileReport) -> None:
    print(f"{report.noun:<11} {report.file}: {service.summary(report)} ({report.seconds:.1f} s)")
    for why, count in sorted(report.reasons.items(), key=lambda item: -item[1])[:TOLD]:
        print(f"    refused {count:>6}  {why}")
    for check in report.agreements:
        share = "–" if check.share is None else f"{check.share:.1%}"
        print(f"    place and published {check.column} agree on the {check.level}: {check.agree} of {check.named} = {share}")
    for note in report.notes:
        print(f"    note: {note}")


def _tell_ground(facts: dict[str, Any]) -> None:
    if not facts:
        return
    print("The ground: every level tiles the one above exactly." if facts["exact"] else "The ground does not tile.")
    for noun, kinds in facts["defects"].items():
        listed = ", ".join(f"{each['count']} × {kind} ({each['area_m2']:.0f} m²)" for kind, each in kinds.items())
        print(f"    {noun:<10} as it came: {listed or 'no defects'}")
    for noun, moved in facts["moved"].items():
        print(f"    {noun:<10} changed hands: {moved['area_m2']:.0f} m² in {moved['pairs']} pairs")
        for row in moved["largest"][:TOLD]:
            print(f"        {row['area_m2']:>12.0f} m²  {row['from'] or 'nobody'} → {row['to'] or 'nobody'}")
    for noun, straddling in facts["straddling"].items():
        if straddling["count"]:
            worst = ", ".join(f"{row['code']} {row['share']:.0%}" for row in straddling["least"][:TOLD])
            print(f"    {noun:<10} {straddling['count']} not wholly in their parent; least: {worst}")
    if facts["split_off"]:
        print(f"    {facts['split_off']} grids were split off at a community's border.")
    for part, origin in facts["communities_split_off"].items():
        print(f"    {part} was cut off from {origin} at a street's border.")
    for community, street in facts["given_to_empty_streets"].items():
        print(f"    {community} was given to {street}, which would have no community otherwise.")
    for row in facts["left_over"]:
        print(f"    left over: {row['level']} {', '.join(map(str, row['codes']))}: {row['reason']} ({row['area_m2']:.0f} m²)")
