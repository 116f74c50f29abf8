"""The main job, end to end: radiographs, scan, labels, training, prediction, Slicer scene, COCO export, report."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from XRayAILib import __version__
from XRayAILib.apps.collection import NothingThereError, intake_line
from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.learn import JobFailedError, JobStoppedError, follow, test_table, training_message
from XRayAILib.apps.main_outcome import Outcome
from XRayAILib.apps.main_wishes import Wishes
from XRayAILib.dicom.header import Header
from XRayAILib.project.intake import Intake, left_out, take_in
from XRayAILib.project.lock import lock
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import Job
from XRayAILib.workflow.report import duration

PHANTOMS = 160
PHANTOM_EPOCHS = 24
"""Fixed, so that the result depends on the seed alone and not on the speed of the machine."""
PHANTOM_MINUTES = 4.5
FOLDER_MINUTES = 20.0
OTHER_PHANTOM = "a phantom of an earlier run with another seed or number"


class MainJob:
    """One run of the main job in one project folder; :meth:`run` does all of it.

    A run that was stopped or killed is started again with the same command: phantoms, scan, cache and a training's
    checkpoint are gone on with.
    """

    def __init__(self, wishes: Wishes, project_folder: Path | None) -> None:
        self.wishes = wishes
        name = "xray-demo" if wishes.folder is None else f"xray-demo-{wishes.folder.resolve().name}"
        self.folder = (project_folder or Path(name)).resolve()
        self.outcome = Outcome()
        self._phantoms: set[str] = set()

    @property
    def _with_phantom(self) -> bool:
        """The labels come from the phantom: nobody gave any."""
        return self.wishes.labels is None

    def run(self) -> Path:
        """Do every step and give the path of the report."""
        begun = time.monotonic()
        self._check_wishes()
        console.print(f"[bold]X-Ray AI {__version__}[/]  project folder: {plain(str(self.folder))}", soft_wrap=True)
        with Project.open_or_create(self.folder) as project, lock(project.folder / "main-job.lock") as alone:
            if not alone:
                raise JobFailedError(
                    f"{self.folder}: another run of the main job is at work in this project. Wait until it has ended, "
                    "or choose another folder with --project."
                )
            report = self._steps(project)
        console.print(
            f"\nAll in {duration(time.monotonic() - begun)}. Project folder: {self.folder}",
            soft_wrap=True,
            markup=False,
        )
        console.print(f"Report: {report}", soft_wrap=True, markup=False)
        return report

    def _steps(self, project: Project) -> Path:
        sources = self._radiographs()
        self._scan(project, sources)
        self._labels(project)
        self._train(project)
        self._predict(project)
        self._scene(project)
        self._export(project)
        return self._report(project)

    def _check_wishes(self) -> None:
        folder, labels = self.wishes.folder, self.wishes.labels
        for path in (folder, labels):
            if path is not None and not path.exists():
                raise NothingThereError(f"{path}: there is no such file or folder.")
        if labels is not None and folder is None:
            raise NothingThereError(f"--labels {labels} needs the FOLDER of the radiographs that the labels are of.")

    def _step(self, name: str) -> Step:
        step = Step(len(self.outcome.steps) + 1, name)
        self.outcome.steps.append(step)
        return step

    def _radiographs(self) -> list[Path]:
        """Step 1: where the radiographs are."""
        step = self._step("Radiographs")
        sources: list[Path] = []
        with running(step) as bar:
            parts = []
            if self.wishes.folder is not None:
                sources.append(self.wishes.folder.resolve())
                parts.append(f"your folder {self.wishes.folder}")
            if self._with_phantom:
                from XRayAILib.phantom.collection import IMAGES, make_phantoms

                made = make_phantoms(
                    self.folder / "phantom",
                    self.wishes.phantoms or PHANTOMS,
                    self.wishes.seed,
                    progress=lambda done, total: bar.show(done, total, f"computing phantom {done} of {total}"),
                )
                self._phantoms = {phantom.uid for phantom in made}
                sources.append(self.folder / "phantom" / IMAGES)
                parts.append(f"{len(made)} radiographs of a computed thorax (seed {self.wishes.seed})")
            if self.wishes.folder is None:
                crs = real_crs()
                sources += crs
                parts.append(f"{len(crs)} real CRs of the pydicom package")
            step.result = ", ".join(parts)
            if self._with_phantom and self.wishes.folder is not None:
                self._warn(
                    step,
                    "You gave no labels, so the model learns from the phantom: what it finds on your radiographs shows "
                    "the way, nothing more. Give masks or a COCO file with --labels to train on your own.",
                )
        return sources

    def _scan(self, project: Project, sources: list[Path]) -> None:
        """Step 2: into the project."""
        step = self._step("Scan")
        with running(step) as bar:
            found = take_in(
                project,
                sources,
                describe=self._describe(),
                progress=lambda p: bar.show(p.done, p.total, p.text),
                leave_out=[self.wishes.labels.resolve()] if self.wishes.labels else [],
            )
            self._leave_other_phantoms(project)
            self.outcome.intake = found
            step.result = intake_line(found, project.count())
            unreadable = left_out(project, found)
            step.notes = [f"left out: {path}: {reason}" for path, reason in unreadable[:10]]
            if len(unreadable) > 10:
                step.notes.append(f"... and {len(unreadable) - 10} more; the report lists them all")
        self._check_found(project, found)

    def _leave_other_phantoms(self, project: Project) -> None:
        """The result depends on the seed, so phantoms that a run of another seed or number left do not take part."""
        if not self._with_phantom:
            return
        for image in project.images():
            if self.folder / "phantom" not in Path(image.header.path).parents:
                continue
            if image.uid not in self._phantoms and not image.excluded:
                project.exclude(image.uid, OTHER_PHANTOM)
            elif image.uid in self._phantoms and image.excluded == OTHER_PHANTOM:
                project.include(image.uid)

    def _check_found(self, project: Project, found: Intake) -> None:
        folder = self.wishes.folder
        if folder is None:
            return
        mine, computed = folder.resolve(), self.folder / "phantom"
        paths = (Path(image.header.path) for image in project.images())
        if not any(path == mine or (mine in path.parents and computed not in path.parents) for path in paths):
            raise NothingThereError(
                f"{folder}: there is no radiograph in it. {found.passed_over} files were passed over by their names, "
                f"{len(left_out(project, found))} could not be read as DICOM, PNG, JPEG, TIFF or BMP."
            )

    def _describe(self) -> Any:
        from XRayAILib.exchange.table.metadata import described, read_metadata

        folder = self.wishes.folder
        places = [folder, folder.parent] if folder is not None and folder.is_dir() else []
        table = next((p / "metadata.csv" for p in places if (p / "metadata.csv").is_file()), None)
        if table is None:
            return lambda header: header
        known = read_metadata(table)

        def describe(header: Header) -> Header:
            return described(header, known)

        return describe

    def _labels(self, project: Project) -> None:
        """Step 3: what is known to be true, as findings."""
        step = self._step("Labels")
        with running(step) as bar:
            if self.wishes.labels is not None:
                from XRayAILib.exchange.labels import import_labels

                report = import_labels(project, self.wishes.labels, extend_schema=True, progress=bar.show)
                self.outcome.imported = report
                step.result = report.summary
                step.notes = [reason for skipped in report.skipped[:10] for reason in skipped.reasons]
                step.notes += report.notes
            else:
                from XRayAILib.phantom.collection import read_truth

                truth = read_truth(self.folder / "phantom")
                wanted = self._phantoms & {image.uid for image in project.images()}
                for done, (uid, findings) in enumerate(truth.items(), 1):
                    if uid in wanted:
                        project.save(findings)
                    bar.show(done, len(truth), "the phantom's truth")
                objects = sum(len(findings) for uid, findings in truth.items() if uid in wanted)
                step.result = f"{objects} objects of {len(wanted)} images, from the phantom's geometry"

    def _train(self, project: Project) -> None:
        """Step 4: a model of what is labelled, in a process of its own."""
        from XRayAILib.learning.augment import Augmentation
        from XRayAILib.learning.config import TrainingConfig
        from XRayAILib.learning.readiness import check_training
        from XRayAILib.workflow.learnable import learnable_labels, likely_task

        changes: dict[str, Any] = {"name": "main-job", "seed": self.wishes.seed}
        if self._with_phantom:
            changes |= {
                "epochs": self.wishes.epochs or PHANTOM_EPOCHS,
                "minutes": self.wishes.minutes or PHANTOM_MINUTES,
                # Its outlines are clear at this size, it is never mirrored, and the main job is to be seen in minutes.
                "size": 192,
                "patience": 15,
                "batch_size": 8,
                "augmentation": Augmentation().document(),
            }
        else:
            changes["minutes"] = self.wishes.minutes or FOLDER_MINUTES
            if self.wishes.epochs:
                changes["epochs"] = self.wishes.epochs
        task = likely_task(project)
        config = TrainingConfig.from_preset("quick", task, **changes)
        step = self._step("Train")
        with running(step) as bar:
            if not any(label.images for label in learnable_labels(project, task)):
                step.result = "skipped"
                self._warn(
                    step,
                    "There is nothing to learn: no image has a mask, a polygon, a box, a landmark or an answer. What "
                    "is drawn is in the project, the scenes and the export all the same.",
                )
                return
            problems = check_training(project, config, deep=False).errors
            if problems and task != "segmentation":
                # Somebody who gives boxes or answers may not have asked for a model at all.
                step.result = "skipped"
                self._warn(step, "Nothing was trained: " + " ".join(problem.text for problem in problems))
                return
            # One folder per training, so that a run that was stopped goes on from its checkpoint.
            asked = json.dumps([config.document(), project.count(), project.last_revision()], sort_keys=True)
            folder = project.jobs_folder / f"main-job-train-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
            job = Job.start(project.folder, "train", {"config": config.document()}, folder=folder)
            try:
                result = follow(job, bar, training_message)
            except JobStoppedError as error:
                raise JobStoppedError(f"{error} The same command goes on from there.") from error
            self.outcome.training, self.outcome.device = result, job.device
            step.result = (
                f"{result['epochs']} epochs on {job.device}, best epoch {result['best_epoch']}; "
                f"{result['score_title']} {result['score']:.3f} on the test part"
            )
            if result["stopped"] != "early" and result["epochs"] < config.epochs:
                self._warn(
                    step,
                    f"{result['epochs']} instead of {config.epochs} epochs, to keep the limit of {config.minutes:g} "
                    "minutes: a run on a faster or idle machine, or with a larger --minutes, gives another result.",
                )
        console.print(test_table(result))

    def _predict(self, project: Project) -> None:
        """Step 5: what the model finds on images that it was not trained on."""
        step = self._step("Predict")
        with running(step) as bar:
            if not self.outcome.training:
                step.result = "skipped: there is no model"
                return
            uids = [i.uid for i in project.images() if not i.excluded and i.split not in ("train", "validation")]
            options = {"model": self.outcome.training["model"], "uids": uids}
            job = Job.start(project.folder, "predict", options)
            result = follow(job, bar)
            failed = {uid for uid, _ in result["failed"]}
            self.outcome.predicted = [uid for uid in uids if uid not in failed]
            step.result = f"{result['predicted']} images that the model was not trained on"
            for uid, reason in result["failed"]:
                self._warn(step, reason)
                project.exclude(uid, f"no prediction: {reason}")

    def _scene(self, project: Project) -> None:
        """Step 6: a few of them in the scene, saved and drawn."""
        from XRayAILib.apps.pictures import choose_cases, make_scenes

        step = self._step("Scene")
        with running(step) as bar:
            ranked = [case["uid"] for case in self.outcome.training.get("test_cases", ())]
            cases = choose_cases(project, ranked, self.outcome.predicted)
            self.outcome.cases, problem = make_scenes(project, cases, project.scenes_folder, bar.show)
            pictures = sum(len(case.pictures) for case in self.outcome.cases)
            step.result = f"{len(self.outcome.cases)} scenes (.mrb) and {pictures} pictures in {project.scenes_folder}"
            if problem:
                self._warn(step, f"No pictures: {problem}")

    def _export(self, project: Project) -> None:
        """Step 7: the labelled data set as COCO, re-read before it counts."""
        from XRayAILib.exchange.export import export_project

        step = self._step("Export")
        with running(step) as bar:
            export = export_project(project, "coco", progress=bar.show)
            self.outcome.export = export
            objects = f"{export.objects} objects of {export.images} images"
            step.result = f"{objects} as COCO, read again by pycocotools: {export.folder}"
            step.notes = list(export.warnings)

    def _report(self, project: Project) -> Path:
        """Step 8: everything on one page."""
        from XRayAILib.apps.main_report import report_data
        from XRayAILib.workflow.report import write_report

        step = self._step("Report")
        with running(step) as bar:
            bar.show(0, 1, "drawing curves")
            path = project.folder / "report.html"
            write_report(report_data(project, self.wishes, self.outcome), path)
            step.result = str(path)
        return path

    def _warn(self, step: Step, text: str) -> None:
        step.notes.append(text)
        self.outcome.warnings.append(text)


def real_crs() -> list[Path]:
    """The real radiographs that the pydicom package carries."""
    import pydicom

    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    return sorted(path for path in folder.glob("CR*") if path.is_dir())
