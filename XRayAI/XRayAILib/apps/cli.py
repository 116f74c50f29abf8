"""The command line of X-Ray AI: ``xrayai``, or ``./xray`` in a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from XRayAILib import __version__
from XRayAILib.apps import (
    data_commands,
    history_commands,
    learning_commands,
    models_commands,
    runs_commands,
    schema_commands,
    snapshot_commands,
    study_commands,
)
from XRayAILib.apps.console import console, errors, plain, prepare_streams
from XRayAILib.apps.options import ProjectOption, Text, Word

app = typer.Typer(
    name="xrayai",
    help="Research with radiographs: browse, annotate, train, predict and export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it; typer ends with it too."""


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Argument(help="Your radiographs; without it a phantom is computed.")] = None,
    project: Annotated[Path | None, typer.Option(help="Where everything goes; xray-demo without it.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Masks or a COCO file for FOLDER.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 7,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Longest time for the training.")] = None,
    phantoms: Annotated[int, typer.Option(min=0, help="How many phantom radiographs; 0 for the usual number.")] = 0,
    epochs: Annotated[int, typer.Option(min=0, help="Passes over the training images; 0 for the preset's.")] = 0,
) -> None:
    """The main job, end to end: radiographs, labels, training, prediction, Slicer scene, COCO export, report."""
    from XRayAILib.apps.main_job import MainJob
    from XRayAILib.apps.main_wishes import Wishes

    wishes = Wishes(folder, labels, seed, minutes, phantoms, epochs)
    MainJob(wishes, project).run()


@app.command()
def scan(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders, zip archives, a DICOMDIR or files, nested as they are.")
    ],
    project: ProjectOption,
    csv: Annotated[
        Path | None, typer.Option(help="Table of patient, view and label of pictures; one beside them is found.")
    ] = None,
    extend: Annotated[bool, typer.Option(help="Add labels of the table that the schema does not have.")] = False,
) -> None:
    """Take radiographs into a project, which is made where there is none."""
    from XRayAILib.apps.collection import scan_folders

    scan_folders(project, folders, csv, extend)


@app.command()
def duplicates(project: ProjectOption) -> None:
    """Find radiographs with the same pixels and different UIDs; it goes on where an earlier run was stopped."""
    from XRayAILib.apps.duplicates import find_duplicates

    find_duplicates(project)


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to check by themselves, without a project.")] = None,
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Folder of the project.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Show only this rule; can be given more than once.")] = None,
    listed: Annotated[str, typer.Option("--list", help="Show the images that this rule marks.")] = "",
    image: Annotated[str, typer.Option(help="Show the marks of this image: its path or UID.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="RULE=warn, exclude or ignore; stored in hygiene.yaml.")
    ] = None,
    keep: Annotated[str, typer.Option(help="Keep this image, a path or UID, in spite of its marks.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")] = False,
) -> None:
    """Find what makes radiographs unfit for research: attributes, polarity, text, copies, and more.

    The exit status is 3 where a rule keeps an image out of training and exports, 0 where none does.
    """
    from XRayAILib.apps.check import check_files, check_project

    if files and project is None:
        check_files(files, rule or [], as_json)
    elif project is not None and not files:
        check_project(project, rule or [], listed, image, settings or [], keep, as_json)
    else:
        raise typer.BadParameter("Give either files or --project.")


Values = list[str] | None


@app.command("list")
def list_images(
    project: ProjectOption,
    text: Annotated[str, typer.Argument(help="Words that must all occur.")] = "",
    patient: Annotated[Values, typer.Option(help="Patient ID. This and the other filters can be repeated.")] = None,
    view: Annotated[Values, typer.Option(help='Such as PA; "" for images that do not say.')] = None,
    laterality: Annotated[Values, typer.Option(help="L or R.")] = None,
    body_part: Annotated[Values, typer.Option(help="Such as CHEST.")] = None,
    manufacturer: Annotated[Values, typer.Option(help="Of the device.")] = None,
    station: Annotated[Values, typer.Option(help="Name of the device.")] = None,
    modality: Annotated[Values, typer.Option(help="Such as DX.")] = None,
    status: Annotated[Values, typer.Option(help="unlabelled, predicted, draft, submitted, approved, rejected.")] = None,
    spacing: Annotated[Values, typer.Option(help="calibrated, detector plane or px.")] = None,
    split: Annotated[Values, typer.Option(help="train, validation or test.")] = None,
    excluded: Annotated[Values, typer.Option(help="yes or no.")] = None,
    mark: Annotated[Values, typer.Option(help="A rule of the command check.")] = None,
    since: Annotated[
        str, typer.Option("--from", "--since", help="First study date: yyyy-mm-dd, yyyy-mm or yyyy.")
    ] = "",
    until: Annotated[str, typer.Option("--to", "--until", help="Last study date.")] = "",
    sort: Annotated[str, typer.Option(help='Columns, "-" before one turns it round: date,-patient.')] = "",
    limit: Annotated[int | None, typer.Option(help="So many images.")] = None,
    offset: Annotated[int, typer.Option(help="After so many.")] = 0,
    counts: Annotated[str, typer.Option(help="How many images have each value of this column.")] = "",
    left_out: Annotated[bool, typer.Option("--left-out", help="Only files that are no radiographs, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")] = False,
) -> None:
    """The images of a project, filtered and sorted, or how many have each value of a column."""
    from XRayAILib.apps.listing import count_values, list_left_out
    from XRayAILib.apps.listing import list_images as show
    from XRayAILib.project.query import COLUMNS, Query

    given = locals()
    filters = {name: given[name] for name in COLUMNS if given.get(name)}
    query = Query(text, filters, since, until, [name for name in sort.split(",") if name], limit, offset)
    if left_out:
        list_left_out(project, as_json)
    elif counts:
        count_values(project, counts, query, as_json)
    else:
        show(project, query, as_json)


@app.command()
def calibrate(
    uid: Annotated[str, typer.Argument(help="The image, as 'list --json' gives it.")],
    project: ProjectOption,
    start: Annotated[str, typer.Option("--from", help="One end of the line: x,y in pixels.")] = "",
    end: Annotated[str, typer.Option("--to", help="The other end.")] = "",
    millimetres: Annotated[float, typer.Option("--mm", help="Its known length.")] = 0.0,
    what: Annotated[str, typer.Option(help="The object of known length, such as '25 mm ball'.")] = "",
    take_back: Annotated[bool, typer.Option("--take-back", help="Let the file's own spacing count again.")] = False,
) -> None:
    """Set an image's millimetres by a line of known length, or say what they are worth."""
    from XRayAILib.apps.calibrate import calibrate_image

    calibrate_image(project, uid, start, end, millimetres, what, take_back)


@app.command()
def agreement(
    project: ProjectOption,
    text: Annotated[str, Word(help="Only images in which these words occur; see 'list'.")] = "",
    readers: Annotated[list[str] | None, Text(help="anna,ben or model:name; everybody without.")] = None,
    against: Annotated[str, Text(help="Compare all with this one, the reference.")] = "",
    label: Annotated[Values, Text(help="Only this label. This and the others can be repeated.")] = None,
    where: Annotated[Values, Text(help="Only images with COLUMN=VALUE, such as view=PA.")] = None,
    by: Annotated[Values, Text(help="Also by view, sex, age, manufacturer, split, ...")] = None,
    ordered: Annotated[Values, Text(help="Question whose answers are grades in the schema's order.")] = None,
    iou: Annotated[float, typer.Option(help="From this IoU on two objects are the same.")] = 0.5,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; exports/agreement without it.")] = None,
    consensus: Annotated[str, Text(help="Also what they say together: majority or staple.")] = "",
    points: Annotated[str, typer.Option(help="Of several points: mean or median.")] = "mean",
    save: Annotated[bool, typer.Option("--save", help="Keep the consensus in the project.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")] = False,
) -> None:
    """How far the readers agree: overlap, distances, kappa, ICC and more, with a report and worst cases."""
    from XRayAILib.apps.agreement import compare_project, wishes_of

    for value, known in ((consensus, ("", "majority", "staple")), (points, ("mean", "median"))):
        if value not in known:
            raise typer.BadParameter(f"'{value}' is none of {', '.join(filter(None, known))}.")
    wishes = wishes_of(readers or [], against, label or [], text, where or [], by or [], ordered or [], iou)
    compare_project(project, wishes, out, as_json, consensus, points, save)


@app.command("import")
def import_labels(
    source: Annotated[Path, typer.Argument(help="A file or folder of labels, or a CSV table of them.")],
    project: ProjectOption,
    format: Annotated[str, Text(help="Found out by the content without it; see 'export --list'.")] = "",
    extend: Annotated[bool, typer.Option(help="Add labels that the schema does not have.")] = False,
    leave_out_faulty: Annotated[
        bool, typer.Option("--leave-out-faulty", help="Take the other images where some have faults.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be imported.")] = False,
) -> None:
    """Take labels made elsewhere into a project, all or none: where one is faulty, nothing is imported."""
    from XRayAILib.apps.export import import_into

    if not import_into(project, source, format, extend, leave_out_faulty, dry_run):
        raise typer.Exit(3)


@app.command()
def export(
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Folder of the project.")] = None,
    format: Annotated[str, typer.Option(help="One of those that --list shows.")] = "coco",
    name: Annotated[str, Text(help="Name of the folder; the format's without it.")] = "",
    images: Annotated[str, Text(help="png8, png16, dicom or none; the format's usual form without it.")] = "",
    reader: Annotated[str, Text(help="Whose findings; what counts as true without it.")] = "",
    only_approved: Annotated[bool, typer.Option("--only-approved", help="Only approved objects.")] = False,
    split: Annotated[str, Text(help="Deal images without a part by patient: 70/15/15.")] = "",
    filter: Annotated[list[str] | None, Text(help="COLUMN=VALUE as of 'list', or words; repeatable.")] = None,
    own_names: Annotated[
        bool, typer.Option("--own-names", help="Name images as their files are, not by codes.")
    ] = False,
    option: Annotated[list[str] | None, Text(help="KEY=VALUE of one format, such as polygons=yes.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the format cannot hold.")] = False,
    names: Annotated[bool, typer.Option("--list", help="Only say which formats there are.")] = False,
) -> None:
    """Export labelled images for other programs, read again by one of them before it counts."""
    from XRayAILib.apps import export as command

    if names or project is None:
        command.list_formats()
        return
    choice = command.choice_of(images, reader, only_approved, split, filter or [], own_names, option or [])
    command.export_labels(project, format, choice, name, dry_run)


@app.command()
def enhance(
    source: Annotated[Path | None, typer.Argument(help="One radiograph; without it those of a project.")] = None,
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Folder of the project.")] = None,
    preset: Annotated[str, typer.Option(help="Name of the enhancement, or a YAML file.")] = "chest",
    uid: Annotated[list[str] | None, typer.Option(help="Only this image, as 'list --json' gives it.")] = None,
    out: Annotated[Path | None, typer.Option(help="PNG file, or folder for those of a project.")] = None,
    names: Annotated[bool, typer.Option("--list", help="Only say which enhancements there are.")] = False,
) -> None:
    """Write enhanced images as 16-bit PNG; what they are made from stays as it is."""
    from XRayAILib.apps import enhance as command

    if names or (source is None and project is None):
        command.list_enhancements(project)
    elif source is not None:
        command.enhance_file(source, preset, out, project)
    elif project is not None:
        command.enhance_project(project, preset, uid or [], out)


@app.command()
def histogram(
    name: Annotated[str, typer.Argument(help="Name of the enhancement that is made.")],
    project: ProjectOption,
    manufacturer: Annotated[str, Text(help="Only of images whose Manufacturer holds this text.")] = "",
    base: Annotated[str, typer.Option(help="The enhancement whose other steps it has.")] = "none",
) -> None:
    """Make an enhancement that gives all images the mean histogram of a project or of one device."""
    from XRayAILib.apps.enhance import keep_histogram

    keep_histogram(project, name, manufacturer, base)


@app.command()
def deidentify(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders or zip archives, and last the output folder.")],
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Its images, as well or instead.")] = None,
    dates: Annotated[str, typer.Option(help="shift: by days per patient; remove; keep.")] = "shift",
    keep: Annotated[list[str] | None, typer.Option(help="uids, device, institution or patient.")] = None,
    clean: Annotated[list[str] | None, typer.Option(help="Keep harmless parts of: descriptors or graphics.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Keyword of one more attribute to remove.")] = None,
    key: Annotated[Path | None, typer.Option(help="File of the secret key; OUT.private/ without it.")] = None,
    crosswalk: Annotated[Path | None, typer.Option(help="Write a table of old and new identities here.")] = None,
    find_text: Annotated[Path | None, typer.Option(help="Only look for burned-in text; a folder for it.")] = None,
    regions: Annotated[Path | None, typer.Option(help="Regions file with what a person confirmed.")] = None,
    text: Annotated[bool, typer.Option(help="Look for text burned into the images.")] = True,
    pictures: Annotated[bool, typer.Option(help="Also PNG, JPEG and TIFF files.")] = False,
    dicomdir: Annotated[bool, typer.Option(help="Also a file-set with a new DICOMDIR.")] = False,
    processes: Annotated[int, typer.Option(min=0, help="How many; 0 for one per processor.")] = 0,
) -> None:
    """De-identify radiographs by DICOM PS3.15 Annex E, and verify each file that is written."""
    from XRayAILib.apps.deidentify import Wishes, deidentify_folders, find_burned_in_text

    if find_text is not None:
        find_burned_in_text(paths, project, find_text, processes)
        return
    wishes = Wishes(dates, keep or [], clean or [], remove or [])
    files = (key, crosswalk, regions)
    if not deidentify_folders(paths, project, wishes, files, text, pictures, dicomdir, processes):
        raise typer.Exit(3)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def launch(
    context: typer.Context,
    slicer: Annotated[Path | None, typer.Option(help="Program or folder of 3D Slicer.")] = None,
) -> None:
    """Start an installed 3D Slicer with both modules; further arguments go to Slicer."""
    from XRayAILib.apps.launch import launch as start

    process = start(slicer, context.args)
    console.print(f"3D Slicer is starting (process {process.pid}).")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Lint, type check and the whole test suite; further arguments go to pytest."""
    from XRayAILib.apps.checks import run_checks

    raise typer.Exit(run_checks(context.args))


schema_commands.add_to(app)
history_commands.add_to(app)
learning_commands.add_to(app)
data_commands.add_to(app)
study_commands.add_to(app)
snapshot_commands.add_to(app)
models_commands.add_to(app)
runs_commands.add_to(app)

servers = typer.Typer(help="Your PACS and archives.", no_args_is_help=True)
app.add_typer(servers, name="servers")


@servers.command("list")
def servers_list() -> None:
    """The servers, and the file that they stand in."""
    from XRayAILib.apps.servers import list_servers

    list_servers()


@servers.command("add")
def servers_add(
    name: Annotated[str, typer.Argument(help="Letters, digits, '-' and '_'.")],
    url: Annotated[str, typer.Option(help="Of a DICOMweb service: https://pacs.example.org/dicom-web.")] = "",
    host: Annotated[str, typer.Option(help="Of a DIMSE service.")] = "",
    port: Annotated[int, typer.Option(help="Often 104 or 11112.")] = 0,
    called_ae: Annotated[str, typer.Option("--ae", help="Its AE title.")] = "",
    own_ae: Annotated[str, typer.Option(help="Our AE title, as it is entered there.")] = "XRAYAI",
    move_port: Annotated[int, typer.Option(help="Our port for C-MOVE, as entered there; 0 for C-GET.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="DIMSE through TLS.")] = False,
    ca_file: Annotated[str, typer.Option(help="PEM file of the authority of its certificate.")] = "",
    certificate: Annotated[str, typer.Option(help="PEM file that we show.")] = "",
    key: Annotated[str, typer.Option(help="PEM file with the key to it.")] = "",
    verify: Annotated[bool, typer.Option(help="Look at its certificate.")] = True,
    login: Annotated[str, typer.Option(help="none, password or token.")] = "none",
    user: Annotated[str, typer.Option(help="User name for the password.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Instead of the one of this name.")] = False,
) -> None:
    """Add a server: with --url by DICOMweb, with --host, --port and --ae by DIMSE."""
    from XRayAILib.apps.servers import add_server
    from XRayAILib.dicom.servers import Server

    kind = "dicomweb" if url else "dimse"
    place = (url, host, port, called_ae, own_ae, move_port)
    add_server(Server(name, kind, *place, tls, ca_file, certificate, key, verify, login, user), replace)


@servers.command("remove")
def servers_remove(name: str) -> None:
    """Remove a server, and its password from the keyring."""
    from XRayAILib.apps.servers import remove_server

    remove_server(name)


@servers.command("check")
def servers_check(name: str) -> None:
    """Ask a server whether it is there and lets us in."""
    from XRayAILib.apps.servers import check_server

    check_server(name)


@servers.command("login")
def servers_login(name: str) -> None:
    """Put a server's password or token into the keyring; it is asked for, and never shown."""
    from XRayAILib.apps.servers import log_in

    log_in(name)


@app.command()
def query(
    server: str,
    patient_id: Annotated[str, typer.Option(help="As it stands there; * and ? for any text.")] = "",
    patient: Annotated[str, typer.Option(help="Begin of the name: DOE^J.")] = "",
    date: Annotated[str, typer.Option(help="2024-01-01..2024-03-31, 2024-01-01.. or one day.")] = "",
    modality: Annotated[str, typer.Option(help="CR, DX, ...")] = "",
    accession: Annotated[str, typer.Option(help="Accession number.")] = "",
    body_part: Annotated[str, typer.Option(help="CHEST, HAND, ...")] = "",
    description: Annotated[str, typer.Option(help="A word of the study's description.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")] = False,
) -> None:
    """Search a server for studies."""
    from XRayAILib.apps.servers import parse_dates, query_server
    from XRayAILib.dicom.archive import Query

    dates = parse_dates(date)
    query_server(server, Query(patient_id, patient, *dates, modality, accession, body_part, description), as_json)


@app.command()
def retrieve(
    server: str,
    studies: Annotated[list[str], typer.Argument(help="Study UIDs, as query shows them.")],
    project: ProjectOption,
    series: Annotated[list[str] | None, typer.Option(help="Only these series of one study.")] = None,
) -> None:
    """Fetch studies from a server into a project; what is there already is not fetched again."""
    from XRayAILib.apps.servers import retrieve_studies

    retrieve_studies(project, server, studies, series or [])


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"X-Ray AI {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And nothing else.")
    ] = False,
) -> None:
    """Research with radiographs: browse, annotate, train, predict and export."""


def main() -> None:
    """Run the command line; an error that is meant for a person is one message, not a traceback."""
    prepare_streams()
    try:
        app()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            errors.print("Stopped; what was done so far is kept.")
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"{error.filename}: {reason}" if error.filename else reason
        errors.print(f"[bold red]xrayai:[/] {plain(text)}", soft_wrap=True)
        sys.exit(1)
    except Exception as error:
        if not type(error).__module__.startswith("XRayAILib"):
            raise
        errors.print(f"[bold red]xrayai:[/] {plain(str(error))}", soft_wrap=True)
        # Stopped by the person, as a shell has it; anything else is a failure.
        sys.exit(INTERRUPTED if type(error).__name__ == "JobStoppedError" else 1)


if __name__ == "__main__":
    main()
