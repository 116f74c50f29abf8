"""What is refused: models that were changed, ask for code, claim what they are not, or lead out of their folder."""

import json
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model_cases import LABELS, SCHEMA, bright_onnx, change, constant_onnx, describe, sign, untrained
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import MANIFEST, WEIGHTS, Model, list_models
from XRayAILib.learning.models.exporting import export_model
from XRayAILib.learning.models.importing import import_model
from XRayAILib.learning.models.onnx_file import read_onnx
from XRayAILib.learning.models.weights_file import weights_kind

FILES = (
    "configs/inference.json",
    "configs/metadata.json",
    "docs/README.md",
    "docs/history.json",
    "models/model.safetensors",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """An untrained model."""
    return untrained(tmp_path_factory.mktemp("models"), name="lungs").folder


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    """A copy to do harm to."""
    return Path(shutil.copytree(made, tmp_path / "given" / "lungs"))


def refused(source: Path, models: Path, words: str, **more: object) -> None:
    """It is refused with these words, and nothing is left of it."""
    with pytest.raises(ModelError, match=words):
        import_model(source, models, **more)
    assert not models.exists() or not list(models.iterdir())


def zipped(folder: Path, archive: Path, **more: bytes) -> Path:
    """A folder as an archive, with more members by name."""
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            made.write(path, f"lungs/{path.relative_to(folder).as_posix()}")
        for name, data in more.items():
            made.writestr(name, data)
    return archive


def test_the_list_of_files_is_whole(made):
    assert sorted(p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file()) == sorted([*FILES, MANIFEST])


@pytest.mark.parametrize("name", FILES)
def test_any_changed_or_missing_file_is_named(model, tmp_path, name):
    data = bytearray((model / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model / name).write_bytes(data)
    refused(model, tmp_path / "models", f"{name} was changed after the model was made")
    refused(zipped(model, tmp_path / "m.zip"), tmp_path / "models", f"{name} was changed after the model was made")
    (model / name).unlink()
    refused(model, tmp_path / "models", f"{name} is missing")
    good, bad = list_models(model.parent)
    assert not good and f"{name} is missing" in bad[0][1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": 3}, "another version of X-Ray AI"),
        ({"sums": {}}, "no SHA-256 sums"),
        ({"sums": "x"}, "no SHA-256 sums"),
        ({"legend": []}, "finds no label"),
        ({"legend": [{"name": "a"}]}, "has no 'title'"),
        ({"legend": "x"}, "is refused"),
        ({"config": {"task": "captioning"}}, "There is no task 'captioning'"),
        ({"config": {"epochs": "many"}}, "epochs"),
        ({"name": "../../elsewhere"}, "no model name"),
        ({"name": "a/b"}, "no model name"),
        ({"digest": "0" * 64}, "identity is not the SHA-256"),
        ({"preset": {"size": 10**9}}, "must lie in 16..4096"),
        ({"preset": {"size": 64.5}}, "whole number"),
        ({"fitted": 3}, "is refused"),
        ({"foreign": {"task": "segmentation"}}, "labels: it must be a list"),
        ({"weights": "models/model.onnx"}, "no SHA-256 sums"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(model, tmp_path, values, words):
    change(model, **values)
    refused(model, tmp_path / "models", words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../outside.json", "names a file outside it"),
        ("/etc/passwd", "names a file outside it"),
        ("C:\\Windows\\win.ini", "names a file outside it"),
        ("docs/../../outside.md", "names a file outside it"),
        ("docs/run.exe", "is no file of a model"),
        ("run.py", "is no file of a model"),
        ("models/model.pt", "never loaded.*save_file"),
        ("models/model.ts", "TorchScript"),
    ],
)
def test_a_manifest_names_files_of_a_model_only(model, tmp_path, name, words):
    manifest = json.loads((model / MANIFEST).read_text("utf-8"))
    change(model, sums={**manifest["sums"], name: "0" * 64})
    refused(model, tmp_path / "models", words)


def test_a_link_that_leads_out_is_refused(model, tmp_path):
    target = tmp_path / "README.md"
    (model / "docs" / "README.md").rename(target)
    try:
        (model / "docs" / "README.md").symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")
    refused(model, tmp_path / "models", "names a file outside it")


def test_what_the_manifest_does_not_name_stays_behind(model, tmp_path):
    (model / "models" / "model.pt").write_bytes(pickle.dumps({"weight": 1}))
    (model / "setup.py").write_text("print('hello')", "utf-8")
    taken = import_model(zipped(model, tmp_path / "m.zip"), tmp_path / "models")
    assert sorted(p.relative_to(taken.folder).as_posix() for p in taken.folder.rglob("*") if p.is_file()) == sorted(
        [*FILES, MANIFEST]
    )


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "lungs/../../evil.txt", "..\\evil.txt"])
def test_an_archive_with_a_name_that_leads_out_is_refused(model, tmp_path, name):
    place = tmp_path / "deep" / "models"
    refused(zipped(model, tmp_path / "m.zip", **{name: b"x"}), place, "is refused")
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_bomb_is_not_unpacked(model, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lungs/manifest.json", b"{}")
        archive.writestr("lungs/models/model.safetensors", bytes(80 << 20))
    refused(tmp_path / "m.zip", tmp_path / "models", "bomb")


@pytest.mark.parametrize("part", [0.5, 0.01])
def test_weights_that_are_cut_off_are_refused(model, tmp_path, part):
    data = (model / WEIGHTS).read_bytes()
    (model / WEIGHTS).write_bytes(data[: int(len(data) * part)])
    sign(model, WEIGHTS, is_weights=True)
    refused(model, tmp_path / "models", "no whole safetensors file|do not fit")
    bare = tmp_path / "cut.safetensors"
    shutil.copy(model / WEIGHTS, bare)
    refused(
        bare, tmp_path / "models", "Copy it again", description=describe(tmp_path / "d.json", network={"name": "UNet"})
    )


def test_weights_of_another_shape_are_refused_before_a_network_takes_memory(model, tmp_path):
    document = json.loads((model / "configs/inference.json").read_text("utf-8"))
    # Gigabytes, were it built.
    document["network_def"] |= {"channels": [4096] * 3, "strides": [2] * 2}
    (model / "configs/inference.json").write_text(json.dumps(document), "utf-8")
    sign(model, "configs/inference.json")
    refused(model, tmp_path / "models", "do not fit its network: .*4096")
    with pytest.raises(ModelError, match="do not fit its network"):
        Model.load(model).network()


def test_a_safetensors_header_of_gigabytes_is_refused(tmp_path):
    (tmp_path / "huge.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{" + b" " * 100)
    refused(tmp_path / "huge.safetensors", tmp_path / "models", "no whole safetensors file")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "huge.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"0000")
    description = describe(tmp_path / "d.json", network={"name": "UNet"})
    refused(tmp_path / "huge.safetensors", tmp_path / "models", "no whole safetensors", description=description)


def test_pickles_and_code_are_refused_with_the_way_to_convert_them_whatever_their_name(tmp_path):
    import torch

    state = {"weight": torch.zeros(3)}
    torch.save(state, tmp_path / "zip.pt")
    torch.save(state, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"weight": 1}))
    (tmp_path / "keras.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with zipfile.ZipFile(tmp_path / "script.ts", "w") as archive:
        archive.writestr("script/code/__torch__.py", "")
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/data.pkl", b"")
    np.save(tmp_path / "array.npy", np.zeros(3))
    ways = {"zip.pt": "save_file", "legacy.pth": "save_file", "plain.pkl": "save_file", "keras.h5": "tf2onnx"}
    ways |= {"script.ts": "TorchScript.*torch.jit.load", "array.npy": "save_file"}
    for name, way in ways.items():
        for renamed in (name, f"{Path(name).stem}.safetensors", f"{Path(name).stem}.onnx", f"{Path(name).stem}.zip"):
            path = Path(shutil.copy(tmp_path / name, tmp_path / f"as-{renamed}"))
            with pytest.raises(ModelError, match=way):
                weights_kind(path)
            refused(path, tmp_path / "models", way)


def test_pickles_within_a_folder_or_an_archive_are_refused_with_the_way_to_convert_them(tmp_path):
    (tmp_path / "bundle" / "models").mkdir(parents=True)
    (tmp_path / "bundle" / "models" / "model.pt").write_bytes(pickle.dumps({"weight": 1}))
    refused(tmp_path / "bundle", tmp_path / "models", r"no manifest\.json.* model\.pt: .*save_file")
    refused(zipped(tmp_path / "bundle", tmp_path / "b.zip"), tmp_path / "models", r"model\.pt: .*save_file")
    (tmp_path / "bundle" / "models" / "model.pt").rename(tmp_path / "bundle" / "models" / "model.safetensors")
    description = describe(tmp_path / "d.json")
    refused(zipped(tmp_path / "bundle", tmp_path / "c.zip"), tmp_path / "models", "save_file", description=description)


def test_a_file_of_nothing_known_is_refused(tmp_path):
    for name, data in (("empty.onnx", b""), ("text.onnx", b"hello there"), ("noise.safetensors", b"\xff" * 64)):
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, tmp_path / "models", "is refused|is empty")
    refused(tmp_path / "nowhere.zip", tmp_path / "models", "does not exist")


class TestOnnx:
    """What an ONNX file may not have."""

    @pytest.fixture(autouse=True)
    def runtime(self) -> None:
        for name in ("onnx", "onnxruntime"):
            pytest.importorskip(name, reason="the extra 'onnx' is not installed")

    def refuse(self, path: Path, words: str, **changes: object) -> None:
        description = describe(path.with_name("description.json"), **changes)
        refused(path, path.parent / "models", words, description=description)

    def test_operators_that_onnx_does_not_define(self, tmp_path):
        from onnx import helper

        nodes = [helper.make_node("Read", ["image"], ["maps"], domain="elsewhere", path="/etc/passwd")]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("elsewhere", 1)]
        self.refuse(bright_onnx(tmp_path / "m.onnx", nodes=nodes, opsets=opsets), "'Read' is of 'elsewhere'")

    def test_operators_without_an_end_also_within_others(self, tmp_path):
        from onnx import TensorProto, helper

        body = helper.make_graph(
            [helper.make_node("Loop", ["", "", "image"], ["inner"], body=helper.make_graph([], "b", [], []))],
            "branch",
            [],
            [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
        )
        yes = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
        nodes = [yes, helper.make_node("If", ["yes"], ["maps"], then_branch=body, else_branch=body)]
        self.refuse(bright_onnx(tmp_path / "m.onnx", nodes=nodes), "'Loop', which may run without an end")

    @pytest.mark.parametrize("place", ["../secret.bin", "/etc/hostname", "deep/../../secret.bin"])
    def test_weights_outside_its_folder(self, tmp_path, place):
        import onnx

        folder = tmp_path / "given"
        folder.mkdir()
        (tmp_path / "secret.bin").write_bytes(bytes(64))
        model = onnx.load(str(bright_onnx(folder / "m.onnx")))
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", place), ("length", "8")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        self.refuse(folder / "m.onnx", "which is outside its folder")

    def test_weights_beside_it_are_taken_into_it(self, tmp_path):
        file = bright_onnx(tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
        assert (tmp_path / "m.data").exists()
        model = import_model(file, tmp_path / "models", describe(tmp_path / "d.json"), SCHEMA)
        assert [path.name for path in (model.folder / "models").iterdir()] == ["model.onnx"]
        (tmp_path / "m.data").unlink()
        assert Model.load(model.folder).network() is not None
        refused(file, tmp_path / "others", r"m\.data are missing", description=tmp_path / "d.json")

    def test_a_tensor_that_claims_more_than_it_holds(self, tmp_path):
        import onnx

        model = onnx.load(str(bright_onnx(tmp_path / "m.onnx")))
        model.graph.initializer[0].dims[0] = 1 << 40
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        self.refuse(tmp_path / "m.onnx", "which are not in the file")

    def test_a_step_that_would_fill_the_memory(self, tmp_path):
        from onnx import helper, numpy_helper

        shape = numpy_helper.from_array(np.array([1, 1 << 16, 1 << 16], np.int64), "s")
        nodes = [
            helper.make_node("Constant", [], ["s"], value=shape),
            helper.make_node("ConstantOfShape", ["s"], ["big"]),
            helper.make_node("ReduceSum", ["big"], ["maps"], keepdims=0),
        ]
        self.refuse(bright_onnx(tmp_path / "m.onnx", nodes=nodes), "would have 1 x 65536 x 65536 values")

    def test_cut_off(self, tmp_path):
        data = bright_onnx(tmp_path / "m.onnx").read_bytes()
        (tmp_path / "m.onnx").write_bytes(data[: len(data) // 2])
        self.refuse(tmp_path / "m.onnx", "no whole ONNX model|cannot be read as ONNX")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"input": {"size": 64}}, "is any x 1 x 32 x 32, but the description says 1 x 1 x 64 x 64"),
            ({"input": {"size": 32, "channels": 3}}, "Correct size, channels or layout"),
            ({"output": {"kind": "logits", "name": "other"}}, "no output 'other'; it has maps"),
            ({"labels": ["left_lung", "right_lung", None]}, "the description has 3 labels"),
            ({"task": "classification", "labels": ["pneumonia", None]}, "the description has 2 labels"),
        ],
    )
    def test_a_description_of_something_else(self, tmp_path, changes, words):
        self.refuse(bright_onnx(tmp_path / "m.onnx"), words, **changes)

    def test_numbers_that_are_none(self, tmp_path):
        file = constant_onnx(tmp_path / "m.onnx", maps=np.full((1, 2, 32, 32), np.nan, np.float32))
        self.refuse(file, "gives no finite numbers")

    def test_a_model_that_does_not_run(self, tmp_path):
        from onnx import helper, numpy_helper

        shape = numpy_helper.from_array(np.array([7, 7], np.int64), "s")
        nodes = [
            helper.make_node("Constant", [], ["s"], value=shape),
            helper.make_node("Reshape", ["image", "s"], ["maps"]),
        ]
        file = bright_onnx(tmp_path / "m.onnx", nodes=nodes, size=None)
        self.refuse(file, "does not read an image of 1 x 1 x 32 x 32 values|shapes do not fit")

    def test_the_notes_of_its_exporter_do_not_leave(self, tmp_path):
        import onnx

        from XRayAILib.learning.models.onnx_file import without_traces

        model = onnx.load(str(bright_onnx(tmp_path / "m.onnx")))
        model.doc_string = model.graph.node[0].doc_string = "/home/anna/network.py"
        entry = model.graph.node[0].metadata_props.add()
        entry.key, entry.value = "stack", "/home/anna/network.py"
        assert b"anna" not in without_traces(model).SerializeToString()
        assert read_onnx(tmp_path / "m.onnx")[1].outputs == ("maps",)


class TestSchema:
    """A model whose labels the project does not have, or has otherwise."""

    @pytest.fixture(scope="class")
    def classifier(self, tmp_path_factory) -> Model:
        return untrained(tmp_path_factory.mktemp("models"), "classification")

    def schema(self, *labels: Label) -> LabelSchema:
        return LabelSchema("other", labels)

    def test_one_that_fits(self, classifier):
        classifier.check_schema(SCHEMA)
        assert classifier.labels == LABELS["classification"]

    def test_a_label_is_missing_or_drawn_otherwise(self, classifier):
        pneumonia, devices = SCHEMA["pneumonia"], SCHEMA["devices"]
        with pytest.raises(ModelError, match="finds 'devices', which is not in the project's schema 'other'"):
            classifier.check_schema(self.schema(pneumonia))
        with pytest.raises(ModelError, match="gives 'pneumonia' as image, but the project draws it as box"):
            classifier.check_schema(self.schema(Label("pneumonia", "P", Tool.BOX, "#ff0000"), devices))

    def test_an_answer_is_missing(self, classifier):
        label = Label("pneumonia", "P", Tool.IMAGE, "#ffff00", options=("no", "viral", "bacterial"))
        with pytest.raises(ModelError, match=r"answers 'pneumonia' with 'yes', .* \(no, viral, bacterial\)"):
            classifier.check_schema(self.schema(label, SCHEMA["devices"]))

    def test_several_answers_where_one_is_allowed(self, classifier):
        label = Label("devices", "D", Tool.IMAGE, "#ffff00", options=SCHEMA["devices"].options)
        with pytest.raises(ModelError, match="several answers to 'devices'"):
            classifier.check_schema(self.schema(SCHEMA["pneumonia"], label))

    def test_other_tools_of_the_same_task_are_as_good(self, made):
        polygons = [Label(name, name, Tool.POLYGON, "#ff0000") for name in LABELS["segmentation"]]
        Model.load(made).check_schema(self.schema(*polygons))


def test_what_is_exported_was_checked_first(model, tmp_path):
    loaded = Model.load(model)
    (model / "docs" / "README.md").write_text("other words", "utf-8")
    with pytest.raises(ModelError, match=r"docs/README\.md was changed"):
        export_model(loaded, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists() and not list(tmp_path.glob(".*"))
