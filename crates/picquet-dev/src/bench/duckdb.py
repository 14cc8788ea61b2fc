"""Times SQL queries in DuckDB: a JSON line in, a JSON line out."""

import json
import sys
import time

try:
    import duckdb
except ImportError:
    print(json.dumps({"missing": "the Python module duckdb"}), flush=True)
    sys.exit(0)

connection = duckdb.connect()
# It would write among the answers.
connection.execute("set enable_progress_bar = false")
setup = json.loads(sys.stdin.readline())
for view, path in setup["views"].items():
    connection.execute(f"create view {view} as select * from read_parquet('{path}')")
if setup["threads"]:
    connection.execute(f"set threads = {int(setup['threads'])}")
print(json.dumps({"version": duckdb.__version__}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    try:
        rows = connection.execute(json.loads(line)["sql"]).fetchall()
        answer = {"seconds": time.perf_counter() - start, "rows": len(rows)}
    except Exception as error:  # noqa: BLE001: whatever it is, it is told
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
