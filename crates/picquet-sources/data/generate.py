#!/usr/bin/env python3
"""Packs table schemas into schemas.zst, which the crate compiles in.

    python3 generate.py SCHEMAS.json [OUT]        (default OUT: schemas.zst beside this script)

SCHEMAS.json is {"Table": [["Column", "kusto type"], ...], ...}. Needs the `zstd` command line tool.

The text inside: one line a table, sorted by name in byte order, fields separated by tabs. The first field is the
table, every other one a column: a letter for its type, then its name.
"""

import json
import pathlib
import subprocess
import sys

LETTERS = {
    "bool": "b",
    "int": "i",
    "long": "l",
    "real": "r",
    "decimal": "m",
    "string": "s",
    "datetime": "t",
    "timespan": "p",
    "guid": "g",
    "dynamic": "d",
}


def pack(tables):
    lines = {}
    for table, columns in tables.items():
        seen = set()
        fields = [table.strip()]
        for name, kind in columns:
            name = name.strip()
            if name and name not in seen:
                seen.add(name)
                fields.append(LETTERS[kind] + name)
        if any("\t" in field or "\n" in field for field in fields):
            raise SystemExit(f"{table}: a name with a tab or line end cannot be packed")
        # Of names that differ only in blanks around them, the one with more columns is kept.
        if len(fields) > len(lines.get(fields[0], "").split("\t")):
            lines[fields[0]] = "\t".join(fields)
    ordered = sorted(lines, key=lambda name: name.encode())
    return "".join(lines[name] + "\n" for name in ordered)


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    here = pathlib.Path(__file__).resolve().parent
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else here / "schemas.zst"
    text = pack(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    command = ["zstd", "--ultra", "-22", "--no-check", "-q", "-c"]
    out.write_bytes(subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)
    tables = text.count("\n")
    columns = text.count("\t")
    print(f"{out}: {tables} tables, {columns} columns, {len(text)} bytes packed into {out.stat().st_size}")


if __name__ == "__main__":
    main()
