"""The tables of a report on agreement: which figures stand beside each other, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from XRayAILib.findings.agreement.compare import What
from XRayAILib.findings.agreement.estimate import Estimate
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.workflow.agreement.agreement import Study
from XRayAILib.workflow.agreement.figures import ALL_LANDMARKS, ALL_PAIRS, EVERYBODY, Figure, answers_of, labels_of
from XRayAILib.workflow.agreement.groups import GROUPS

MAIN = {
    What.REGION: "Dice",
    What.OBJECTS: "F1",
    What.LINE: "ASSD",
    What.LANDMARK: "MRE",
    What.MEASUREMENT: "ICC(2,1)",
    What.ANSWER: "kappa",
}
"""The figure that stands for a kind where there is room for one."""
FEW = 10
"""Patients below which an interval says little."""
LONG = 40
"""Rows from which on a table has only those of all pairs; the others stand in the file of figures."""


@dataclass(frozen=True)
class Line:
    """One line of a cell: a figure, its interval, and its unit where the column does not say it.

    Attributes
    ----------
    place
        Percent of a scale from 0 to 1 of the value and the bounds, for a drawing; empty where there is none.
    """

    value: str
    interval: str = ""
    unit: str = ""
    reason: str = ""
    place: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """A label, whom it compares, and a cell per column."""

    label: str
    color: str
    who: str
    n: str
    cells: tuple[tuple[Line, ...], ...]
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a title and an explanation."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    drawn: int = -1
    what: str = "Readers"
    counted: str = "n"


@dataclass(frozen=True)
class Confusion:
    """How often one reader's answer met the other's.

    Attributes
    ----------
    rows
        (answer of the first, counts); the columns are the answers of the second.
    shades
        Percent of the largest count, for a tint.
    """

    label: str
    first: str
    second: str
    answers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    shades: tuple[tuple[int, ...], ...]
    unanswered: int


@dataclass(frozen=True)
class Matrix:
    """Who agrees with whom on one label: a figure for every two readers."""

    label: str
    figure: str
    readers: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    shades: tuple[tuple[int, ...], ...] = field(default=())


_COLUMNS: dict[str, tuple[What | None, str, tuple[str, ...], str]] = {
    "Regions": (
        What.REGION,
        "Means over the images where at least one of the two drew the label; distances over those where both did. "
        "HD95 and ASSD are distances between the outlines. n: images, counted once per pair. Small: 95 % confidence "
        "intervals, drawn by patient.",
        ("Dice", "IoU", "HD95", "ASSD"),
        "n",
    ),
    "Lines": (
        What.LINE,
        "Distances between the lines, over the images where both readers drew one.",
        ("ASSD", "HD95"),
        "n",
    ),
    "Objects": (
        What.OBJECTS,
        "An object is the same one where the IoU reaches {iou:g}. Precision is the part of the first reader's objects "
        "that the second has too, recall the part of the second's that the first has; F1 does not depend on who is "
        "first.",
        ("F1", "precision", "recall", "mean IoU of pairs"),
        "objects",
    ),
    "Landmarks": (
        What.LANDMARK,
        "MRE: mean distance of the two readers' points. SDR: the part of the points that lie no further apart.",
        ("MRE", "SDR 2 mm", "SDR 2.5 mm", "SDR 3 mm", "SDR 4 mm"),
        "points",
    ),
    "Shift of landmarks": (
        What.LANDMARK,
        "Whether one reader sets a point further to the right (x) or down (y): mean of the first reader's place "
        "less the second's. The limits of agreement stand in the drawings below and in the file of figures.",
        ("x, bias", "y, bias"),
        "n",
    ),
    "Measurements": (
        What.MEASUREMENT,
        "Bias: mean of the first reader's value less the second's. Between the limits lie 95 % of the differences.",
        ("ICC(2,1)", "bias", "lower limit", "upper limit"),
        "n",
    ),
    "Areas": (
        What.REGION,
        "Of the regions that both readers drew. Bias: mean of the first reader's area less the second's. Between the "
        "limits lie 95 % of the differences.",
        tuple(f"area, {name}" for name in ("ICC(2,1)", "bias", "lower limit", "upper limit")),
        "n",
    ),
    "Answers": (
        What.ANSWER,
        "Kappa is agreement beyond that of chance; where nearly all images have the same answer it can be low although "
        "readers rarely differ, so look at the part agreed, and at the tables below.",
        ("kappa", "agreed", "linear weighted kappa", "quadratic weighted kappa"),
        "n",
    ),
    "Drawn or not": (
        None,
        "Whether a label was drawn at all, for those that somebody left out somewhere.",
        (
            "drawn or not, kappa",
            "drawn or not, agreed",
            "drawn or not, agreed on 'yes'",
            "drawn or not, agreed on 'no'",
        ),
        "n",
    ),
}
_DRAWN = {"Regions": 0, "Areas": 0, "Objects": 0, "Answers": 0, "Drawn or not": 0, "Measurements": 0}


def tables_of(study: Study, figures: Sequence[Figure], schema: LabelSchema) -> list[Table]:
    """The tables of all images, a kind of object each; those without rows are left out."""
    whole = [f for f in figures if not f.column and f.who != EVERYBODY]
    found = []
    for title, (what, lead, columns, counted) in _COLUMNS.items():
        own = [f for f in whole if (f.what is what or what is None) and _column(f.measure.name, columns) is not None]
        table = _table(title, lead.format(iou=study.wishes.iou), columns, own, schema, counted)
        if table.rows:
            found.append(table)
    return found


def together_table(figures: Sequence[Figure], schema: LabelSchema) -> Table | None:
    """Coefficients of all readers at once; ``None`` where there are only two."""
    own = [f for f in figures if f.who == EVERYBODY and not f.column]
    if not own:
        return None
    rows = []
    for f in own:
        name = f.measure.name[:1].upper() + f.measure.name[1:]
        n = _n(f.measure.estimate.n)
        rows.append(Row(title_of(f.label, schema), _color(f.label, schema), name, n, ((_line(f, ""),),)))
    lead = (
        "Fleiss' kappa takes the images that all readers answered; Krippendorff's alpha also those that only some did. "
        "ICC(2,1): how far one reader can stand for another."
    )
    return Table("All readers together", lead, ("Value",), tuple(rows), 0, "Coefficient", "images")


def group_tables(study: Study, figures: Sequence[Figure], schema: LabelSchema) -> list[Table]:
    """A table per column of groups: the main figure of every label in each group, pair by pair or of all pairs."""
    many = len(study.pairs) > 1
    found = []
    for column in study.wishes.by:
        rows = []
        for f in figures:
            if f.column != column or f.measure.name != _grouped(f.what, many):
                continue
            if f.who not in (ALL_PAIRS, EVERYBODY) and many:
                continue
            name = f.measure.name[:1].upper() + f.measure.name[1:]
            n = f"{f.measure.estimate.n} / {f.patients}"
            label = f"{title_of(f.label, schema)}: {name}"
            rows.append(Row(label, _color(f.label, schema), f.value, n, ((_line(f, ""),),), f.patients >= FEW))
        if rows:
            lead = f"The main figure of each label. Groups of fewer than {FEW} patients are pale."
            found.append(Table(GROUPS[column], lead, ("Figure",), _by_label(rows), 0, GROUPS[column], "n / patients"))
    return found


def _grouped(what: What, many: bool) -> str:
    """The figure of a group: of many pairs one that all of them have together."""
    return "alpha" if many and what is What.ANSWER else MAIN[what]


def confusions_of(study: Study, schema: LabelSchema) -> list[Confusion]:
    """A table for every question and pair of readers."""
    found = []
    for label, what in labels_of(study):
        if what is not What.ANSWER:
            continue
        answers = answers_of(study, label)
        for pair, images in study.pairs.items():
            if not study.users[label].issuperset(pair):
                continue
            counts = [[0] * len(answers) for _ in answers]
            unanswered = 0
            for said in images.values():
                first, second = next((c.answers for c in said if (c.label, c.what) == (label, what)), ("", ""))
                if label not in study.options:
                    first, second = first or "no", second or "no"
                if first and second:
                    counts[answers.index(first)][answers.index(second)] += 1
                else:
                    unanswered += 1
            most = max((n for row in counts for n in row), default=0) or 1
            found.append(
                Confusion(
                    title_of(label, schema),
                    study.readers[pair[0]],
                    study.readers[pair[1]],
                    answers,
                    tuple((answer, tuple(row)) for answer, row in zip(answers, counts, strict=True)),
                    tuple(tuple(round(60 * n / most) for n in row) for row in counts),
                    unanswered,
                )
            )
    return found


def matrices_of(study: Study, figures: Sequence[Figure], schema: LabelSchema) -> list[Matrix]:
    """Every two readers, for the labels that are compared by three or more; each unit has a table of its own."""
    if len(study.readers) < 3 or study.wishes.reference:
        return []
    found = []
    for label, what, unit in dict.fromkeys((f.label, f.what, f.measure.unit) for f in figures):
        own = {
            frozenset(f.pair): f.measure.estimate
            for f in figures
            if (f.label, f.what, f.measure.unit) == (label, what, unit)
            and (f.measure.name, len(f.pair), f.column) == (MAIN[what], 2, "")
        }
        values = [e.value for e in own.values() if e.value is not None]
        readers = [key for key in study.readers if any(key in pair for pair in own)]
        if len(values) < 2 or (what is What.LANDMARK and label != ALL_LANDMARKS and _many_landmarks(figures)):
            continue
        good_is_low = what in (What.LANDMARK, What.LINE)
        low, high = min(values), max(values)
        cells, shades = [], []
        for one in readers:
            estimates = [own.get(frozenset((one, other))) for other in readers]
            cells.append(tuple("" if e is None or e.value is None else f"{e.value:.2f}" for e in estimates))
            shades.append(tuple(_shade(e, low, high, good_is_low) for e in estimates))
        names = tuple(study.readers[key] for key in readers)
        found.append(Matrix(title_of(label, schema), _head(MAIN[what], unit), names, tuple(cells), tuple(shades)))
    return found


def _many_landmarks(figures: Iterable[Figure]) -> bool:
    return len({f.label for f in figures if f.what is What.LANDMARK}) > 2


def _shade(estimate: Estimate | None, low: float, high: float, good_is_low: bool) -> int:
    if estimate is None or estimate.value is None:
        return 0
    if high <= low:  # nobody agrees better than others
        return 28
    share = (estimate.value - low) / (high - low)
    return round(8 + 40 * (1 - share if good_is_low else share))


def _table(
    title: str, lead: str, columns: tuple[str, ...], figures: Sequence[Figure], schema: LabelSchema, counted: str
) -> Table:
    units = {name: {f.measure.unit for f in figures if _column(f.measure.name, columns) == name} for name in columns}
    kept = tuple(name for name in columns if units[name])
    shared = {name: next(iter(units[name])) if len(units[name]) == 1 else "" for name in kept}
    rows = []
    groups = list(dict.fromkeys((f.label, f.who, f.who == ALL_PAIRS) for f in figures))
    if len(groups) > LONG and any(pooled for _, _, pooled in groups):
        groups = [group for group in groups if group[2]]
        lead += " The table is long, so only all pairs stand here."
    for label, who, pooled in groups:
        own = [f for f in figures if (f.label, f.who) == (label, who)]
        cells = tuple(
            tuple(_line(f, shared[name]) for f in own if _column(f.measure.name, columns) == name) for name in kept
        )
        n = next((f.measure.estimate.n for f in own if f.measure.name == kept[0]), own[0].measure.estimate.n)
        rows.append(Row(title_of(label, schema), _color(label, schema), who, _n(n), cells, pooled))
    heads = tuple(_head(name, shared[name]) for name in kept)
    return Table(title, lead, heads, _by_label(rows), _DRAWN.get(title, -1), counted=counted)


def _by_label(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of a label together, the labels in the order in which they come first."""
    order = list(dict.fromkeys(row.label for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index(row.label)))


def _column(name: str, columns: Sequence[str]) -> str | None:
    """The column that a figure belongs to; the distances of an SDR carry what their millimetres are worth."""
    if name in columns:
        return name
    return next((column for column in columns if column.startswith("SDR") and name.startswith(f"{column} ")), None)


def _head(name: str, unit: str) -> str:
    text = name.removeprefix("drawn or not, ").removeprefix("area, ")
    for weights in ("linear", "quadratic"):
        text = text.replace(f"{weights} weighted kappa", f"kappa, {weights}")
    text = text[:1].upper() + text[1:]
    return f"{text}, {unit}" if unit else text


def _line(figure: Figure, shared: str, name: bool = False) -> Line:
    measure = figure.measure
    e = measure.estimate
    if e.value is None:
        return Line("–", reason=e.reason)
    unit = "" if measure.unit == shared else measure.unit
    if measure.name.startswith("SDR"):
        unit = measure.name.partition("(")[2].rstrip(")")
    digits = _digits(e.value, bool(measure.unit))
    value = f"{e.value:.{digits}f}"
    # A dash between two numbers of which one has a minus would be read as another one.
    between = "–" if e.low is not None and e.low >= 0 else " to "
    interval = "" if e.low is None or e.high is None else f"{e.low:.{digits}f}{between}{e.high:.{digits}f}"
    # A length or an area has no scale that ends at 1.
    is_part = not measure.unit and 0 <= e.value <= 1
    place = tuple(100 * min(max(v, 0.0), 1.0) for v in (e.value, e.low, e.high) if v is not None) if is_part else ()
    return Line(value, interval, f"{measure.name} {unit}".strip() if name else unit, place=place)


def _digits(value: float, has_unit: bool) -> int:
    if not has_unit:
        return 3
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2


def _n(n: int) -> str:
    return f"{n:,}".replace(",", "\u2009")


def title_of(label: str, schema: LabelSchema) -> str:
    """What the reader sees of a label, and of one answer to a question."""
    name, _, answer = label.partition(": ")
    title = schema[name].title if name in schema else name
    return f"{title}: {answer}" if answer else title


def _color(label: str, schema: LabelSchema) -> str:
    name = label.partition(":")[0]
    return schema[name].color if name in schema else ""
