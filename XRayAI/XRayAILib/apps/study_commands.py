"""Commands of a study with several readers: readers, assign, progress, review, adjudicate."""

from __future__ import annotations

from typing import Annotated

import typer

from XRayAILib.apps.options import JsonOption, ProjectOption, Text, WhoOption

readers = typer.Typer(help="Who takes part in a project, and in which roles.", no_args_is_help=True)
review = typer.Typer(help="Approve what readers submitted, or give it back.", no_args_is_help=True)
adjudicate = typer.Typer(help="Decide over what several readers say of an image.", no_args_is_help=True)

Image = Annotated[str, typer.Argument(help="UID, path or file name of the image.")]
Images = Annotated[list[str], typer.Argument(help="UIDs, paths or file names of images.")]
ReaderOption = Annotated[str, Text("--reader", help="Whose reading.")]
Roles = Annotated[str, typer.Argument(help="reader, reviewer, adjudicator; several with commas between them.")]


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.add_typer(readers, name="readers")
    app.command()(assign)
    app.command()(progress)
    app.add_typer(review, name="review")
    app.add_typer(adjudicate, name="adjudicate")


@readers.command("add")
def readers_add(
    names: Annotated[list[str], typer.Argument(help="As each is called in the panel.")],
    project: ProjectOption,
    role: Annotated[str, typer.Option(help="reader, reviewer, adjudicator, or several with commas.")] = "reader",
) -> None:
    """Register people; from the first one on, roles and blinding count in this project."""
    from XRayAILib.apps.readers import add_readers

    add_readers(project, names, role)


@readers.command("list")
def readers_list(project: ProjectOption, as_json: JsonOption = False) -> None:
    """Who takes part, and what each has to read."""
    from XRayAILib.apps.readers import list_readers

    list_readers(project, as_json)


@readers.command("remove")
def readers_remove(name: str, project: ProjectOption) -> None:
    """Somebody takes part no longer; what that person drew stays."""
    from XRayAILib.apps.readers import remove_reader

    remove_reader(project, name)


@readers.command("role")
def readers_role(name: str, roles: Roles, project: ProjectOption) -> None:
    """Give somebody other roles."""
    from XRayAILib.apps.readers import set_roles

    set_roles(project, name, roles)


def assign(
    project: ProjectOption,
    names: Annotated[str, Text("--readers", help="With commas between them; all readers without it.")] = "",
    per_image: Annotated[int | None, typer.Option(min=1, help="Readers per image; 1 in a new round.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same assignment.")] = None,
    name: Annotated[str, Text("--round", help="A new one, or one to add to.")] = "",
    filters: Annotated[
        list[str] | None, Text("--filter", help="COLUMN=VALUE, such as view=PA; can be repeated.")
    ] = None,
    text: Annotated[str, Text(help="Only images with these words; see 'list'.")] = "",
    controls: Annotated[
        str, Text(help="Track with the truth (import:truth), or a file with one UID or path per line.")
    ] = "",
    together: Annotated[
        bool | None, typer.Option("--by-patient/--by-image", help="All images of a patient to the same readers.")
    ] = None,
    prelabels: Annotated[
        bool | None, typer.Option("--prelabels/--no-prelabels", help="Readers see the model's prediction.")
    ] = None,
    reveal: Annotated[str, Text(help="Others' work is seen when the round is 'closed' or own 'submitted'.")] = "",
    close: Annotated[bool, typer.Option("--close", help="End the round: nothing changes, all may be seen.")] = False,
    open_again: Annotated[bool, typer.Option("--open", help="Go on with a round that was closed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Share images out among readers, blinded; what was assigned before stays."""
    from XRayAILib.apps.assign import Wishes, assign_images, set_closed

    if close or open_again:
        set_closed(project, name, close)
    else:
        conditions = {"per_image": per_image, "seed": seed, "together": together, "prelabels": prelabels}
        assign_images(project, Wishes(names, name, filters or [], text, controls, conditions, reveal), as_json)


def progress(
    project: ProjectOption,
    name: Annotated[str, Text("--round", help="Only of this round.")] = "",
    controls: Annotated[bool, typer.Option("--controls", help="How well readers do on the controls.")] = False,
    as_json: JsonOption = False,
) -> None:
    """How far each reader is, or how well each does on images of which the truth is known."""
    from XRayAILib.apps.progress import show_controls, show_progress

    if controls:
        show_controls(project, as_json)
    else:
        show_progress(project, name, as_json)


@review.command("list")
def review_list(
    project: ProjectOption,
    state: Annotated[str, typer.Option(help="submitted, approved, rejected, reopened, or all.")] = "submitted",
    reader: Annotated[str, Text(help="Only this reader's.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The readings that wait for a review, or those in another state."""
    from XRayAILib.apps.review import list_readings

    list_readings(project, state, reader, as_json)


@review.command("approve")
def review_approve(images: Images, project: ProjectOption, reader: ReaderOption, who: WhoOption = "") -> None:
    """Find readings good."""
    from XRayAILib.apps.review import approve

    approve(project, images, reader, who)


@review.command("reject")
def review_reject(
    images: Images,
    project: ProjectOption,
    reader: ReaderOption,
    reason: Annotated[str, typer.Option(help="What the reader has to correct.")],
    who: WhoOption = "",
) -> None:
    """Give readings back, with the reason."""
    from XRayAILib.apps.review import reject

    reject(project, images, reader, reason, who)


@review.command("reopen")
def review_reopen(
    images: Images,
    project: ProjectOption,
    reader: ReaderOption,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    who: WhoOption = "",
) -> None:
    """Let a reader work on what was submitted or approved."""
    from XRayAILib.apps.review import reopen

    reopen(project, images, reader, reason, who)


@adjudicate.command("list")
def adjudicate_list(
    project: ProjectOption,
    image: Annotated[str, Text(help="The versions of this image and every decision on it.")] = "",
    who: WhoOption = "",
    as_json: JsonOption = False,
) -> None:
    """The images with several readings of which nobody has decided, or what there is of one image."""
    from XRayAILib.apps.adjudicate import list_images, show_image

    if image:
        show_image(project, image, who, as_json)
    else:
        list_images(project, who, as_json)


@adjudicate.command("take")
def adjudicate_take(
    image: Image,
    project: ProjectOption,
    reader: ReaderOption,
    objects: Annotated[list[str] | None, Text("--object", help="Id of an object; all without it.")] = None,
    who: WhoOption = "",
) -> None:
    """Take a reader's objects over: all in place of what was taken, or single ones."""
    from XRayAILib.apps.adjudicate import take

    take(project, image, reader, objects or [], who)


@adjudicate.command("merge")
def adjudicate_merge(
    image: Image,
    project: ProjectOption,
    label: Annotated[str, Text(help="Only this label.")] = "",
    who: WhoOption = "",
) -> None:
    """Take the consensus of all who submitted."""
    from XRayAILib.apps.adjudicate import merge

    merge(project, image, label, who)


@adjudicate.command("undo")
def adjudicate_undo(image: Image, project: ProjectOption, who: WhoOption = "") -> None:
    """Take the last decision back; the log keeps it."""
    from XRayAILib.apps.adjudicate import undo

    undo(project, image, who)


@adjudicate.command("redo")
def adjudicate_redo(image: Image, project: ProjectOption, who: WhoOption = "") -> None:
    """Bring back what was undone last."""
    from XRayAILib.apps.adjudicate import redo

    redo(project, image, who)


@adjudicate.command("finish")
def adjudicate_finish(images: Images, project: ProjectOption, who: WhoOption = "") -> None:
    """It is decided: from now on this counts, before any reading."""
    from XRayAILib.apps.adjudicate import finish

    finish(project, images, who)


@adjudicate.command("reopen")
def adjudicate_reopen(
    image: Image,
    project: ProjectOption,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    who: WhoOption = "",
) -> None:
    """Go on deciding."""
    from XRayAILib.apps.adjudicate import reopen

    reopen(project, image, reason, who)
