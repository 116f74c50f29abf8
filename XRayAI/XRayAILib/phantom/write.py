"""A computed radiograph as a DICOM file of the class Digital X-Ray Image Storage - For Presentation (PS3.3 A.26)."""

from __future__ import annotations

import io
import math
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.phantom.acquisition import Exposure, Pose
from XRayAILib.phantom.beam import BITS, Picture
from XRayAILib.phantom.thorax import Thorax

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
TARGET_INDEX = 400
CHEST = ("816094009", "SCT", "Chest")
VIEWS = {"PA": ("272479007", "SCT", "postero-anterior"), "AP": ("399348003", "SCT", "antero-posterior")}


@dataclass(frozen=True)
class Identity:
    """Who and when: what makes one image of one patient unlike every other.

    ``name`` is the root of all UIDs: the same name gives the same UIDs. ``day`` and ``time`` (HHMMSS) are those of the
    study; ``birth`` the patient's birth date.
    """

    name: str
    patient: int
    image: int
    birth: date
    day: date
    time: str

    @property
    def patient_id(self) -> str:
        return f"PHANTOM-{self.patient:04d}"

    def uid(self, what: str) -> str:
        """A UID under 2.25, the root of UIDs derived from UUIDs (PS3.5 B.2)."""
        part = f"{self.name}/{self.patient}/{self.image}/{what}"
        return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, part).int}"

    @property
    def instance_uid(self) -> str:
        return self.uid("instance")

    @property
    def created(self) -> str:
        """The study's moment as ISO 8601, taken as UTC."""
        return f"{self.day.isoformat()}T{self.time[:2]}:{self.time[2:4]}:{self.time[4:6]}+00:00"


def write_radiograph(
    path: Path, picture: Picture, identity: Identity, thorax: Thorax, pose: Pose, exposure: Exposure
) -> None:
    """Write the DICOM file, whole or not at all. The same arguments give the same bytes."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(DX_FOR_PRESENTATION)
    meta.MediaStorageSOPInstanceUID = UID(identity.instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Fixed, so that the bytes do not depend on the version of the library that writes them.
    meta.ImplementationClassUID = UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'X-Ray AI phantom').int}")
    meta.ImplementationVersionName = "XRAYAI_PHANTOM"
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    _patient_and_study(data, identity, thorax, pose)
    _image(data, picture, identity, pose, exposure)
    _detector(data, picture, exposure)
    _positioning(data, pose, exposure)
    temporary = path.with_name(path.name + ".part")
    try:
        # In memory first: pydicom wraps a full disk in an error that nobody can read.
        memory = io.BytesIO()
        data.save_as(memory, enforce_file_format=True)
        temporary.write_bytes(memory.getvalue())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _number(value: float) -> str:
    """A decimal string, short enough for the representation DS (16 characters)."""
    return f"{value:.5f}"


def _patient_and_study(data: FileDataset, identity: Identity, thorax: Thorax, pose: Pose) -> None:
    day = identity.day.strftime("%Y%m%d")
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = f"Phantom^{identity.patient:04d}"
    data.PatientID = identity.patient_id
    data.PatientBirthDate = identity.birth.strftime("%Y%m%d")
    data.PatientSex = thorax.sex
    data.PatientAge = f"{(identity.day - identity.birth).days // 365:03d}Y"
    data.StudyInstanceUID = identity.uid("study")
    data.SeriesInstanceUID = identity.uid("series")
    data.SOPClassUID = DX_FOR_PRESENTATION
    data.SOPInstanceUID = identity.instance_uid
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = day
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = identity.time
    data.StudyID = f"{identity.patient:04d}{identity.image:02d}"
    data.AccessionNumber = f"PH{identity.patient:04d}{identity.image:02d}"
    data.ReferringPhysicianName = ""
    data.StudyDescription = "Chest"
    data.SeriesDescription = f"Chest {pose.view}"
    data.SeriesNumber = 1
    data.InstanceNumber = 1
    data.Modality = "DX"
    data.PresentationIntentType = "FOR PRESENTATION"
    data.Manufacturer = "X-Ray AI phantom"
    data.ManufacturerModelName = "Parametric thorax"
    data.DeviceSerialNumber = "1"
    data.SoftwareVersions = "1"
    data.StationName = "PHANTOM"


def _image(data: FileDataset, picture: Picture, identity: Identity, pose: Pose, exposure: Exposure) -> None:
    rows, columns = picture.stored.shape
    data.ImageType = ["ORIGINAL", "PRIMARY", ""]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if exposure.inverted else "MONOCHROME2"
    data.PresentationLUTShape = "INVERSE" if exposure.inverted else "IDENTITY"
    data.Rows, data.Columns = rows, columns
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, BITS, BITS - 1, 0
    data.PixelIntensityRelationship = "LOG"
    # 1: lower values for less intensity; -1: higher values for less intensity (PS3.3 C.8.11.3.1.2).
    data.PixelIntensityRelationshipSign = 1 if exposure.inverted else -1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "US"
    data.WindowCenter, data.WindowWidth = (f"{value:g}" for value in picture.window)
    data.WindowCenterWidthExplanation = "NORMAL"
    data.VOILUTFunction = "LINEAR"
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    data.ImageComments = "Computed phantom, not a person"
    data.PatientOrientation = ["L", "F"]
    data.ImageLaterality = "U"
    data.BodyPartExamined = "CHEST"
    from pydicom.sequence import Sequence

    data.AnatomicRegionSequence = Sequence([_code(*CHEST)])
    data.ViewCodeSequence = Sequence([_code(*VIEWS[pose.view])])
    data.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    data.ViewPosition = pose.view
    data.AcquisitionContextSequence = Sequence([])
    data.PixelData = np.ascontiguousarray(picture.stored, "<u2").tobytes()
    data["PixelData"].VR = "OW"


def _detector(data: FileDataset, picture: Picture, exposure: Exposure) -> None:
    at_detector = [_number(exposure.pitch)] * 2
    data.DetectorType = "SCINTILLATOR"
    data.DetectorConfiguration = "AREA"
    data.DetectorID = "PHANTOM"
    data.FieldOfViewShape = "RECTANGLE"
    data.FieldOfViewDimensions = [round(n * exposure.pitch) for n in picture.stored.shape]
    data.ImagerPixelSpacing = at_detector
    if exposure.calibration == "calibrated":
        data.PixelSpacing = [_number(exposure.pitch / exposure.magnification)] * 2
        data.PixelSpacingCalibrationType = "GEOMETRY"
        data.PixelSpacingCalibrationDescription = "Plane through the middle of the thorax"
    elif exposure.calibration == "equal":
        data.PixelSpacing = at_detector
    data.ExposureIndex = _number(picture.index)
    data.TargetExposureIndex = _number(TARGET_INDEX)
    data.DeviationIndex = f"{10 * math.log10(picture.index / TARGET_INDEX):.1f}"


def _positioning(data: FileDataset, pose: Pose, exposure: Exposure) -> None:
    distance = 1800.0 if pose.view == "PA" else 1200.0
    data.KVP = str(exposure.kvp)
    data.ExposureTime = 8 if pose.view == "PA" else 12
    data.XRayTubeCurrent = 320
    data.DistanceSourceToDetector = _number(distance)
    data.DistanceSourceToPatient = _number(distance / exposure.magnification)
    if exposure.calibration != "detector" or pose.view == "PA":
        data.EstimatedRadiographicMagnificationFactor = _number(exposure.magnification)
    data.PositionerType = "NONE" if pose.view == "AP" else "COLUMN"
    data.CollimatorShape = "RECTANGULAR"
    rows, columns = exposure.shape
    left, top, right, bottom = (math.floor(edge + 0.5) for edge in exposure.field)
    data.CollimatorLeftVerticalEdge = max(left, 0)
    data.CollimatorRightVerticalEdge = min(right, columns + 1)
    data.CollimatorUpperHorizontalEdge = max(top, 0)
    data.CollimatorLowerHorizontalEdge = min(bottom, rows + 1)
