"""Weights that can be downloaded: few, in safetensors, and each with the SHA-256 that it must have.

Not in it, on purpose: what torchvision and torchxrayvision offer themselves. Both are pickles, which are never opened
here, and torchxrayvision gives no checksums; :data:`CONVERTED` says how a person gets them all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.learning.errors import TrainingError

_HUB = "https://huggingface.co/timm/{repository}/resolve/{revision}/model.safetensors"
_IMAGENET = "Apache-2.0; trained on ImageNet-1k, whose pictures are for research that is not commercial"


@dataclass(frozen=True)
class Entry:
    """Weights that can be downloaded.

    Attributes
    ----------
    network
        What they fit.
    sha256
        Of the file, in hexadecimal.
    megabytes
        About how large it is.
    licence
        Of the weights, with the terms of what they were trained on.
    scale
        How the values of its pictures were scaled, see :mod:`.grey`.
    """

    name: str
    network: str
    url: str
    sha256: str
    megabytes: int
    licence: str = _IMAGENET
    scale: str = "imagenet"

    @property
    def text(self) -> str:
        """What a person has to know before saying yes."""
        return f"{self.name}: {self.network}, {self.megabytes} MB from {self.url} (licence: {self.licence})"


# Each at one revision of its repository, so that the same file comes tomorrow.
CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry(
            "resnet18-imagenet",
            "ResNet-18",
            _HUB.format(repository="resnet18.a1_in1k", revision="491b427b45c94c7fb0e78b5474cc919aff584bbf"),
            "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
            47,
        ),
        Entry(
            "resnet50-imagenet",
            "ResNet-50",
            _HUB.format(repository="resnet50.a1_in1k", revision="767268603ca0cb0bfe326fa87277f19c419566ef"),
            "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb",
            102,
        ),
        Entry(
            "densenet121-imagenet",
            "DenseNet-121",
            _HUB.format(repository="densenet121.tv_in1k", revision="f0d0f2698a02cb133b09d48396db6e1e46fe9f3b"),
            "c894c6d9caa317a8ca1942986dee7a16a86c77734a4d691d2abe05389cfef358",
            32,
        ),
        Entry(
            "efficientnet-b0-imagenet",
            "EfficientNet-B0, with TensorFlow's padding as MONAI has it",
            _HUB.format(repository="tf_efficientnet_b0.in1k", revision="8186ca4217f9c67824ebe7566008bdc69976d15a"),
            "276dfe076f3fca30c2f7bf1e44039e395e6de50248caaa159d16530699f16995",
            21,
        ),
    )
}

_XRV = (
    "torchxrayvision's weights are whole pickled networks without a published checksum, so they are not downloaded "
    "here. In an environment of their own (pip install torchxrayvision safetensors; a container without anything to "
    'lose) run: python -c "import torchxrayvision as xrv; from safetensors.torch import save_file; '
    "m = xrv.models.DenseNet(weights='{weights}'); save_file({{k: v.clone().contiguous() for k, v in "
    "m.state_dict().items()}}, '{weights}.safetensors')\" and start from file:{weights}.safetensors"
)
_TORCHVISION = (
    "torchvision's weights are pickles, so they are not downloaded here. In an environment of their own run: python -c "
    "\"import torchvision; from safetensors.torch import save_file; m = torchvision.models.get_model('{weights}', "
    "weights='DEFAULT'); save_file({{k: v.clone().contiguous() for k, v in m.state_dict().items()}}, "
    "'{weights}.safetensors')\" and start from file:{weights}.safetensors"
)
CONVERTED = {
    **dict.fromkeys(("densenet121-res224-all", "densenet121-res224-nih", "densenet121-res224-chex"), _XRV),
    **dict.fromkeys(("densenet121-res224-pc", "densenet121-res224-rsna", "densenet121-res224-mimic_nb"), _XRV),
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "densenet121", "efficientnet_b0"), _TORCHVISION),
}
"""Weights that a person has to convert first, by their names in torchxrayvision and torchvision, and how."""


def entry_of(name: str) -> Entry:
    """The weights of this name; :class:`TrainingError` names those there are, or says how to get to it otherwise."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if name in CONVERTED:
        raise TrainingError(f"start: '{name}': {CONVERTED[name].format(weights=name)}.")
    raise TrainingError(
        f"start: there are no weights '{name}' to download; there are {', '.join(CATALOGUE)}. "
        "Others can be given as a safetensors file: file:/path/to/weights.safetensors"
    )
