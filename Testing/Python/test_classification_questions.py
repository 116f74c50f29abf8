"""What answers teach a classifier: questions, unknown answers, rare answers, and what the header and a table add."""

import numpy as np
import pytest

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.classification.imbalance import correction, counted, effective_weights
from XRayAILib.learning.classification.losses import answers_loss
from XRayAILib.learning.classification.preflight import notes_of, problems_of
from XRayAILib.learning.classification.probability import log_loss, probabilities
from XRayAILib.learning.classification.probable_findings import ProbableFindings
from XRayAILib.learning.classification.question import mirrored, questions_of, targets_of
from XRayAILib.learning.classification.table_input import age_in_years, attribute, code_of, embedding, learnt_columns
from XRayAILib.learning.classification.value_table import read_value_table
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.task import make_task
from XRayAILib.pixels.resample import Letterbox

READER = Author.person("anna")
SQUARE = Letterbox(64, 64, 64)


def asked(name: str, *options: str, multiple: bool = False, mirror: int = 0) -> LearntLabel:
    return LearntLabel(name, name.title(), Tool.IMAGE, "#ffffff", mirror, options, multiple)


VIEW = asked("view", "AP", "PA", "LL")
PNEUMONIA = asked("pneumonia", "no", "yes", "uncertain")
FINDINGS = asked("findings", "edema", "effusion", "mass", multiple=True)
NAMED = asked("cardiomegaly")  # as an import of a table makes it: said, or not said


def said(*answers: str) -> Findings:
    objects = (ImageLabel(label=a.partition("=")[0], value=a.partition("=")[2], author=READER) for a in answers)
    return Findings("1.2.3", (64, 64), READER, tuple(objects))


def targets(legend, missing, *answers, **options):
    return targets_of(said(*answers), questions_of(legend, missing, **options)).tolist()


def test_an_exclusive_question_has_one_answer():
    assert targets((VIEW,), "unknown", "view=PA") == [0, 1, 0]
    with pytest.raises(TrainingError, match=r"View is answered 2 times .*one answer is wanted"):
        targets((VIEW,), "unknown", "view=PA", "view=AP")
    with pytest.raises(TrainingError, match="'oblique', which is none of AP, PA, LL"):
        targets((VIEW,), "unknown", "view=oblique")


def test_an_unknown_answer_is_neither_right_nor_wrong():
    assert targets((PNEUMONIA,), "unknown", "pneumonia=uncertain") == [-1, -1]
    assert targets((PNEUMONIA,), "absent", "pneumonia=uncertain") == [-1, -1]
    assert targets((VIEW,), "unknown", "view=LL", unknown=("ll",)) == [-1, -1]
    several = asked("findings", "edema", "effusion", "uncertain", multiple=True)
    assert targets((several,), "unknown", "findings=edema", "findings=uncertain") == [1, -1]


def test_what_nobody_answered_is_unknown_or_absent():
    legend = (VIEW, PNEUMONIA, FINDINGS, NAMED)
    assert targets(legend, "unknown") == [-1] * 9
    assert targets(legend, "unknown", "findings=mass", "cardiomegaly=yes") == [-1] * 5 + [0, 0, 1] + [1]
    assert targets((NAMED,), "unknown", "cardiomegaly=no") == [0]
    # Absent: no pneumonia, none of the findings, none of the views.
    assert targets(legend, "absent") == [0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_a_question_that_may_have_no_answer_has_room_for_none():
    for missing, is_open in (("unknown", False), ("absent", True)):
        (question,) = questions_of((VIEW,), missing)
        assert question.open == is_open
        total = probabilities([question], np.array([[1.0, 0.0, -1.0]])).sum()
        assert total < 0.9 if is_open else total == pytest.approx(1)
    (single,) = questions_of((NAMED,), "unknown")
    assert probabilities([single], np.array([[0.7]]))[0, 0] == pytest.approx(1 / (1 + np.exp(-0.7)))  # a sigmoid
    (pair,) = questions_of((PNEUMONIA,), "absent")
    assert (pair.open, pair.scored, pair.names) == (False, (1,), ("pneumonia=no", "pneumonia=yes"))


def test_a_label_whose_options_say_nothing_cannot_be_learnt():
    with pytest.raises(TrainingError, match=r"Quality: none of its options .* can be learnt"):
        questions_of((asked("quality", "unknown", "uncertain"),), "unknown")


def test_a_mirrored_image_has_the_answers_of_the_other_side():
    legend = (
        asked("left_hip", "intact", "fracture", mirror=1),
        asked("right_hip", "intact", "fracture", mirror=0),
        asked("view", "AP", "LL", mirror=2),
    )
    assert mirrored(questions_of(legend, "unknown"), [1, 0, 2]) == [2, 3, 0, 1, 4, 5]
    odd = (asked("left_hip", "intact", "fracture"), asked("right_hip", "yes", "no"))
    assert mirrored(questions_of(odd, "unknown"), [1, 0]) == [0, 1, 2, 3]  # asked in other words: not exchanged


# Rare answers ---------------------------------------------------------------------------------------------------------


def test_rare_answers_weigh_more_and_the_mean_weight_is_one():
    counts = np.array([900, 90, 10])
    weights = effective_weights(counts)
    assert weights[0] < weights[1] < weights[2]
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    # Equation 2 of the paper, up to the scale.
    raw = (1 - 0.999) / (1 - 0.999 ** np.array([900, 90]))
    assert weights[1] / weights[0] == pytest.approx(raw[1] / raw[0])
    assert effective_weights(np.array([100000, 1])).max() <= 20 * effective_weights(np.array([100000, 1])).min() + 1e-9
    assert effective_weights(np.array([50, 0]))[0] == pytest.approx(1)


def test_what_the_weights_did_to_the_probabilities_is_taken_back():
    """The best constant logits under the weighted loss give, once corrected, the frequencies of the training part."""
    import torch

    questions = questions_of((VIEW, FINDINGS, NAMED), "unknown")
    generator = np.random.default_rng(0)
    truth = np.zeros((400, 7), np.int8)
    truth[np.arange(400), generator.choice(3, 400, p=[0.7, 0.25, 0.05])] = 1
    truth[:, 3:] = generator.random((400, 4)) < [0.5, 0.1, 0.02, 0.2]
    truth[::5, :3] = -1  # a fifth is not answered
    learnt = counted(questions, truth, balanced=True)
    logits = torch.zeros(1, 7, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = answers_loss(questions, logits.expand(400, 7), torch.tensor(truth), learnt)
        loss.backward()
        return loss

    optimizer.step(closure)
    found = logits.detach().numpy() - correction(questions, learnt["weights"])
    known = truth[truth[:, 0] >= 0]
    expected = [*known[:, :3].mean(axis=0), *truth[:, 3:].mean(axis=0)]
    assert probabilities(questions, found)[0] == pytest.approx(expected, abs=2e-3)


def test_without_weights_the_loss_is_the_log_loss_of_the_answers():
    import torch

    questions = questions_of((VIEW, FINDINGS), "unknown")
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(30, 6))
    truth = np.zeros((30, 6), np.int8)
    truth[np.arange(30), generator.integers(0, 3, 30)] = 1
    truth[:, 3:] = generator.random((30, 3)) < 0.4
    found = float(answers_loss(questions, torch.tensor(logits), torch.tensor(truth), {}))
    expected = [log_loss(q, logits[:, q.columns], truth[:, q.columns]).mean() for q in questions]
    assert found == pytest.approx(np.mean(expected), rel=1e-5)


def test_unknown_answers_change_nothing_and_halves_of_a_batch_make_the_whole():
    import torch

    questions = questions_of((VIEW, PNEUMONIA, FINDINGS), "unknown")
    generator = np.random.default_rng(2)
    truth = np.where(generator.random((12, 8)) < 0.4, 1, 0)
    truth[:, :5] = 0
    truth[np.arange(12), generator.integers(0, 3, 12)] = 1
    truth[:, 3] = 1
    truth[:6, :3], truth[4:9, 3:5], truth[2:5, 6] = -1, -1, -1
    target, learnt = torch.tensor(truth), counted(questions, truth, balanced=True)
    logits = torch.tensor(generator.normal(size=(12, 8)), requires_grad=True)
    loss = answers_loss(questions, logits, target, learnt, smoothing=0.1)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient[target < 0] == 0).all() and (gradient[target >= 0] != 0).all()
    halves = [
        float(answers_loss(questions, logits.detach()[i : i + 6], target[i : i + 6], learnt, 0.1)) for i in (0, 6)
    ]
    assert sum(halves) / 2 == pytest.approx(loss.item(), rel=1e-6)


# Before the hours are spent -------------------------------------------------------------------------------------------


def examples(*parts: tuple[str, int, tuple[str, ...]]) -> list[Example]:
    return [
        Example(f"{part}{i}{labels}", f"p{i}", frozenset(labels), part, "", "")
        for part, count, labels in parts
        for i in range(count)
    ]


def test_one_answer_only_is_told_before_the_training():
    named = examples(("train", 5, ("cardiomegaly=yes",)), ("test", 2, ()))
    (problem,) = problems_of(questions_of((NAMED,), "unknown"), named)
    assert "All 5 images" in problem and "nothing to tell apart" in problem and "'missing' to 'absent'" in problem
    more = [*named, *examples(("train", 3, ()))]
    assert not problems_of(questions_of((NAMED,), "absent"), more)
    (problem,) = problems_of(questions_of((VIEW,), "unknown"), examples(("train", 4, ("view=PA",))))
    assert "say 'PA'" in problem and "leave it out of 'labels'" in problem
    (problem,) = problems_of(questions_of((VIEW,), "unknown"), examples(("train", 4, ("findings=mass",))))
    assert "No image of the training part answers 'View'" in problem
    odd = examples(("train", 3, ("view=PA", "view=AP")), ("train", 3, ("view=LL",)), ("test", 1, ("view=oblique",)))
    strange, twice = problems_of(questions_of((VIEW,), "unknown"), odd)
    assert "'View' is answered oblique in some images, which is none of AP, PA, LL" in strange
    assert "'View' has several answers in" in twice and "and 2 more" in twice
    assert not problems_of(
        questions_of((FINDINGS,), "unknown"),
        examples(("train", 3, ("findings=mass",)), ("train", 3, ("findings=edema",))),
    )


def test_answers_that_are_missing_from_a_part_are_noted():
    learnt = examples(("train", 4, ("view=PA",)), ("train", 4, ("view=AP",)), ("validation", 3, ("view=AP",)))
    never, validation, test = notes_of(questions_of((VIEW,), "unknown"), learnt)
    assert never == "View: no image of the training part says LL: it is not learnt."
    assert "AP, PA holds in all or none of the validation part's images, so no threshold" in validation
    assert "not measured" in test


def test_settings_that_make_no_sense_are_told_by_name():
    for options, expected in (
        ({"balance": "some"}, "options.balance: 'some' is none of effective, none"),
        ({"threshold": "best"}, "options.threshold: 'best' is none of youden"),
        ({"attributes": ["age", "name"]}, "options.attributes: 'name' is none of age, sex"),
        ({"table_columns": ["crp"]}, "options.table_columns: there is no table"),
        ({"wanted": 2}, "options.wanted: 2 must lie in 0 to 1"),
    ):
        with pytest.raises(TrainingError, match=expected):
            TrainingConfig.from_preset("quick", "classification", options=options)


# Beside the image -----------------------------------------------------------------------------------------------------


def header(**values: str) -> Header:
    return Header("1.2.3", "/images/a.dcm", 64, 64, Spacing.unknown(), **values)


def test_what_a_header_says_becomes_numbers():
    assert [age_in_years(header(patient_age=text)) for text in ("034Y", "34", "006M")] == [34, 34, 0.5]
    assert age_in_years(header(patient_birth_date="1980-07-01", study_date="2020-07-01")) == pytest.approx(40, abs=0.01)
    assert np.isnan(age_in_years(header())) and np.isnan(attribute(header(), "sex"))
    assert attribute(header(patient_sex="F"), "sex") == code_of(" f ") != code_of("M")
    assert attribute(header(view="unknown"), "view") != attribute(header(view="AP"), "view")


def test_numbers_are_standardised_and_what_is_missing_is_zero_and_said():
    import torch

    numbers = np.array([[40, code_of("F")], [60, code_of("M")], [80, code_of("F")], [np.nan, code_of("M")]])
    columns = learnt_columns(("age", "sex"), (True, False), numbers)
    assert columns[0]["mean"] == 60 and columns[0]["deviation"] == pytest.approx(16.33, abs=0.01)
    assert set(columns[1]["codes"]) == {int(code_of("F")), int(code_of("M"))}
    module = embedding(columns, 5)
    module.layers = torch.nn.Identity()  # to see what goes into the layers
    seen = module(torch.tensor([[60 + 16.33, code_of("F")], [np.nan, np.nan], [900.0, code_of("other")]]))
    f, m = columns[1]["codes"].index(int(code_of("F"))), columns[1]["codes"].index(int(code_of("M")))
    assert seen[0].tolist() == pytest.approx([1, 0, *(1.0 if i == f else 0.0 for i in (0, 1)), 0], abs=1e-3)
    assert seen[1].tolist() == [0, 1, 0, 0, 1] and f != m
    assert seen[2].tolist() == [5, 0, 0, 0, 0]  # far out, and a word that nobody taught


def table(folder, text: str) -> str:
    path = folder / "lab.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_table_of_values_is_found_by_patient_file_or_uid(folder):
    by_patient = read_value_table(table(folder, "patient_id;CRP;smoker\n7;12,5;yes\n8;NA;no\n"))
    assert (by_patient.columns, by_patient.quantities) == (("CRP", "smoker"), (True, False))
    found = by_patient.numbers(header(patient_id="7"), by_patient.quantities)
    assert found == [12.5, code_of("yes")]
    assert np.isnan(by_patient.numbers(header(patient_id="8"), by_patient.quantities)[0])
    assert np.isnan(by_patient.numbers(header(patient_id="nobody"), by_patient.quantities)).all()
    by_file = read_value_table(table(folder, "filename,crp\na.dcm,3\n"))
    assert by_file.numbers(header(), (True,)) == [3]
    by_uid = read_value_table(table(folder, "uid,crp\n1.2.3,4\n"), columns=("crp",))
    assert by_uid.numbers(header(), (True,)) == [4]
    own = read_value_table(table(folder, "case,crp\n7,5\n"), key="case")
    assert own.numbers(header(patient_id="7"), (True,)) == [5]


@pytest.mark.parametrize(
    ("text", "key", "columns", "expected"),
    [
        ("patient_id,crp\n", "", (), "has no rows"),
        ("case,crp\n7,5\n", "", (), "no column that says whose a row is"),
        ("patient_id,crp\n7,5\n", "case", (), "no column 'case'"),
        ("patient_id,crp\n7,5\n", "", ("ldh",), "no column ldh; it has patient_id, crp"),
        ("patient_id,crp\n7,5\n7,6\n", "", (), "line 3, says other things of '7'"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(folder, text, key, columns, expected):
    with pytest.raises(TrainingError, match=expected):
        read_value_table(table(folder, text), key, columns)


def test_a_missing_table_is_a_problem_before_the_training(folder):
    config = TrainingConfig.from_preset("quick", "classification", options={"table": str(folder / "gone.csv")})
    task = make_task(config, (VIEW,))
    problems = task.problems(examples(("train", 2, ("view=PA",)), ("train", 2, ("view=AP",))))
    assert len(problems) == 1 and "gone.csv cannot be read" in problems[0]


# What is said ---------------------------------------------------------------------------------------------------------


def decoded(legend, logits, missing="unknown", **fitted) -> ProbableFindings:
    config = TrainingConfig.from_preset("quick", "classification", missing=missing)
    found = make_task(config, legend, fitted).decode(np.array(logits, float), SQUARE, "1.2.3", Author.model("m", "ab"))
    assert isinstance(found, ProbableFindings)
    return found


def answers(findings) -> list[str]:
    return [f"{item.label}={item.value}" for item in findings]


def test_an_exclusive_question_is_answered_with_the_most_probable_value():
    found = decoded((VIEW,), [1.0, 2.0, 0.0])
    (view,) = found.objects
    assert (view.value, view.score) == ("PA", pytest.approx(0.6652, abs=1e-4))
    assert dict(view.attributes)["probability of AP"] == "0.2447"
    assert [p.name for p in found.probabilities] == ["view=AP", "view=PA", "view=LL"]
    assert not decoded((VIEW,), [-1.0, -2.0, -3.0], "absent").objects  # none of them is likelier
    assert decoded((VIEW,), [1.0, -2.0, -3.0], "absent").objects


def test_contrary_answers_and_several_answers_go_by_their_thresholds():
    fitted = {"thresholds": {"pneumonia=yes": 0.2, "findings=edema": 0.6, "findings=effusion": 0.3}}
    logits = [1.0, 0.0, 0.2, -0.5, -3.0]  # yes is 0.27; edema 0.55, effusion 0.38, mass 0.05
    found = decoded((PNEUMONIA, FINDINGS), logits, **fitted)
    assert answers(found) == ["pneumonia=yes", "findings=effusion"]
    assert found.objects[0].score == pytest.approx(0.2689, abs=1e-4)
    assert dict(found.objects[1].attributes) == {"threshold": "0.3"}
    assert answers(decoded((PNEUMONIA, FINDINGS), logits)) == ["pneumonia=no", "findings=edema"]  # 0.5 where none is


def test_temperature_and_weights_change_the_score():
    logits = [0.0, 4.0]
    plain, calibrated = (
        decoded((PNEUMONIA,), logits, **fitted).objects[0].score
        for fitted in ({}, {"temperatures": {"pneumonia": {"value": 4.0}}})
    )
    assert plain == pytest.approx(0.982, abs=1e-3) and calibrated == pytest.approx(0.7311, abs=1e-4)
    rare = decoded((PNEUMONIA,), logits, weights={"pneumonia": [0.5, 5.0]})
    assert rare.objects[0].score == pytest.approx(1 / (1 + np.exp(-(4 - np.log(10)))), abs=1e-4)


def test_facts_of_a_case_and_of_one_whose_probabilities_are_lost():
    config = TrainingConfig.from_preset("quick", "classification")
    task = make_task(config, (PNEUMONIA, FINDINGS))
    found = decoded((PNEUMONIA, FINDINGS), [0.0, 1.0, 2.0, -2.0, 0.0])
    case = task.case(found, said("findings=mass"), Spacing.unknown())
    assert set(case) == {"findings=edema", "findings=effusion", "findings=mass"}  # pneumonia: nobody said
    assert case["findings=edema"]["said"] == 1 and case["findings=edema"]["truth"] == 0
    assert task.badness(case) == pytest.approx(0.881, abs=1e-3)
    with pytest.raises(TrainingError, match="Let the model read the image again"):
        task.case(Findings("1.2.3", (64, 64), READER, found.objects), said("findings=mass"), Spacing.unknown())


def test_the_score_of_a_validation_of_one_kind_is_still_better_for_better_weights():
    import torch

    meter = make_task(TrainingConfig.from_preset("quick", "classification"), (PNEUMONIA,)).meter
    scores = []
    for logit in (0.0, 2.0):
        one = meter()
        one.add(torch.tensor([[0.0, logit]] * 3), torch.tensor([[0.0, 1.0]] * 3))
        scores.append(one.scores()["pneumonia=yes"])
    assert scores == pytest.approx([0.5, 0.8808], abs=1e-4)
    both = meter()
    both.add(torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
    assert both.scores() == {"pneumonia=yes": 1.0}


@pytest.mark.parametrize("name", ["ResNet", "DenseNet", "DenseNet121", "EfficientNetBN", "resnet18", "SEResNet50"])
def test_every_network_gives_an_answer_and_keeps_its_encoder_apart(name):
    import torch

    config = TrainingConfig.from_preset("quick", "classification", network=name, network_arguments={}, size=32)
    task = make_task(config, (VIEW, FINDINGS))
    network = task.network().eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 1, 32, 32)).shape == (2, 6)
    rest = {key for key in network.state_dict() if not key.startswith("encoder.")}
    assert rest == {"head.weight", "head.bias"}
