"""From the name of a picture in a label file to the radiograph in the project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from XRayAILib.dicom.header import Header


class UnmatchedError(LookupError):
    """A name for which there is no radiograph, or more than one."""


class FileNames:
    """Finds radiographs by the names that label files use.

    A name matches by its base name with ending, then without (a mask ``a.png`` is of ``a.dcm``), then as the
    radiograph's UID; case does not count. Where several radiographs share the name, the folders in front of it decide.

    Parameters
    ----------
    headers
        The radiographs of the project.
    aliases
        Other names, without ending, by UID: the pseudonyms of an export, for example.
    new_uid
        The SOP Instance UID that a de-identified export has for one of the project's.
    """

    def __init__(
        self,
        headers: Iterable[Header],
        aliases: Mapping[str, str] | None = None,
        new_uid: Callable[[str], str] | None = None,
    ) -> None:
        self._by_name: dict[str, list[Header]] = defaultdict(list)
        self._instances: dict[tuple[str, int], list[Header]] = defaultdict(list)
        for header in headers:
            if uid := header.sop_instance_uid:
                for known in (uid, new_uid(uid)) if new_uid else (uid,):
                    self._instances[known, header.frame].append(header)
            path = _path(header.path)
            names = {path.name, path.stem, header.uid.lower()}
            if aliases and header.uid in aliases:
                names.add(aliases[header.uid].lower())
            for name in names:
                self._by_name[name].append(header)

    def find(self, name: str) -> Header:
        """The radiograph of ``name``; :class:`UnmatchedError` says what is wrong where there is not exactly one."""
        path = _path(name)
        for key in (path.name, path.stem):
            found = self._by_name.get(key, [])
            if len(found) > 1:
                found = _same_folder(found, path)
            if len(found) == 1:
                return found[0]
            if found:
                places = ", ".join(header.path for header in found[:3])
                raise UnmatchedError(
                    f"{len(found)} radiographs of the project have this name ({places}); "
                    "give the files different names, or write the folder in front of the name"
                )
        raise UnmatchedError("no radiograph of the project has this name; add its folder to the project first")

    def instance(self, sop_instance_uid: str, frame: int = 0) -> Header:
        """The radiograph of a SOP instance and frame (from 0); raises as :meth:`find` does."""
        found = self._instances.get((sop_instance_uid, frame), [])
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(header.path for header in found[:3])
            raise UnmatchedError(f"{len(found)} radiographs of the project have the same SOP Instance UID ({places})")
        raise UnmatchedError("no radiograph of the project has this SOP Instance UID; add its folder first")


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/").lower())


def _same_folder(headers: list[Header], path: PurePosixPath) -> list[Header]:
    """Those whose folders end like the ones in ``path``; all of them where that decides nothing."""
    folders = path.parent.parts
    if not folders:
        return headers
    closest = [h for h in headers if _path(h.path).parent.parts[-len(folders) :] == folders]
    return closest or headers
