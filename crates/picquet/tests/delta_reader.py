"""Prints the rows of a Delta table as JSON lines: times in microseconds since 1970, the rest as it is."""

import datetime
import decimal
import json
import sys

import deltalake
import pyarrow as pa

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def value(v):
    if isinstance(v, datetime.datetime):
        v = v if v.tzinfo else v.replace(tzinfo=UTC)
        return (v - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(v, decimal.Decimal):
        return str(v)
    return v


table = deltalake.DeltaTable(sys.argv[1])
rows = pa.table(table.to_pyarrow_table() if hasattr(table, "to_pyarrow_table") else table.to_arrow())
for row in rows.to_pylist():
    print(json.dumps({name: value(v) for name, v in row.items()}))
