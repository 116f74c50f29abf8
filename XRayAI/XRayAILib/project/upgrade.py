"""A database of an earlier version becomes one of this version when it is opened."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, inspect, select, update

from XRayAILib.dicom.header import header_from_json
from XRayAILib.project.database import Database, current, files, images, metadata
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.statements import columns_of

BATCH = 2000
"""Images whose headers are in memory at once."""


def bring_up_to_date(database: Database) -> None:
    """Make the tables, or what they lack of columns and indexes, and fill it; all of it in one transaction.

    Raises
    ------
    ProjectError
        The database is an earlier version's and cannot be written.
    """
    # Looking first: whoever only reads must not wait for a job that writes.
    with database.reading() as connection:
        if not _lacks_anything(connection):
            return
    if database.read_only:
        raise ProjectError(
            f"Project {database.place} was made by an earlier version of X-Ray AI, and its folder cannot be written: "
            "open it once where it can be, or copy it."
        )
    with database.writing() as connection:
        metadata.create_all(connection)
        _add_columns(connection)
        _replace_indexes(connection)


def _lacks_anything(connection: Connection) -> bool:
    there = inspect(connection)
    tables = set(there.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in tables:
            return True
        if {column.name for column in table.columns} - {column["name"] for column in there.get_columns(table.name)}:
            return True
    # Its indexes came with the columns of each version.
    return False


def _add_columns(connection: Connection) -> None:
    there = inspect(connection)
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in there.get_columns(table.name)}
        missing = [column for column in table.columns if column.name not in columns]
        for column in missing:
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
        if missing and table is images:
            _fill_images(connection)
            # This version reads more of each file, and takes files in that the earlier one left out: the next scan
            # looks at all of them again.
            connection.execute(update(files).values(modified=None))
        if "statuses" in {column.name for column in missing} and table is current:
            _fill_current(connection)


def _fill_images(connection: Connection) -> None:
    """Write the columns that are made of the header; what a person changed since stays."""
    names = ["patient_id", "study_date", "modality", "view", "laterality", "body_part", "manufacturer", "station"]
    names += ["search"]
    change = update(images).where(images.c.id == bindparam("row")).values({name: bindparam(name) for name in names})
    last = 0
    while True:
        query = select(images.c.id, images.c.header).where(images.c.id > last).order_by(images.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        columns = [(row.id, columns_of(header_from_json(row.header))) for row in rows]
        connection.execute(change, [{"row": i, **{name: values[name] for name in names}} for i, values in columns])
        last = rows[-1].id


def _fill_current(connection: Connection) -> None:
    """Write of each track which statuses its objects have."""
    change = update(current).where(current.c.uid == bindparam("image"), current.c.track == bindparam("whose"))
    for row in connection.execute(select(current.c.uid, current.c.track, current.c.document)).all():
        found = ",".join(sorted({entry["status"] for entry in json.loads(row.document)["objects"]}))
        connection.execute(change.values(statuses=found), {"image": row.uid, "whose": row.track})


def _replace_indexes(connection: Connection) -> None:
    wanted = {index.name for index in images.indexes}
    for old in inspect(connection).get_indexes("images"):
        # Those of one column that an earlier version made slow every image that is taken in, and lead SQLite astray.
        if old["name"] and old["name"].startswith("ix_images_") and old["name"] not in wanted:
            connection.exec_driver_sql(f"DROP INDEX {old['name']}")
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)
