"""What else tells the answer is said before a training starts, not only when its figures look good."""

from classification_cases import answered_project, picture, tiny
from XRayAILib.learning.readiness import check_training


def told(folder, view):
    """What is said of 40 patients, of whom every other one is ill, where ``view`` gives the view by number."""

    def make(number, generator):
        return picture(generator, view(number)), [f"pneumonia={'yes' if number % 2 else 'no'}"]

    with answered_project(folder, 40, make, {"view": view}) as project:
        # As a panel asks while somebody still chooses.
        ready = check_training(project, tiny(labels=("pneumonia",)), deep=False)
    assert ready.ready
    return [problem.text for problem in ready.warnings if problem.kind == "confounding"]


def test_a_view_that_gives_the_answer_away_is_told_before_the_training(tmp_path):
    (text,) = told(tmp_path, lambda number: "AP" if number % 2 else "PA")
    assert "View and 'Pneumonia' are confounded in the training part" in text and "AUROC of 1.00" in text


def test_a_view_that_tells_nothing_is_not_accused(tmp_path):
    assert told(tmp_path, lambda number: "AP" if number % 4 < 2 else "PA") == []
