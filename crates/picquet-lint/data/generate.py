"""Packs the techniques of MITRE ATT&CK: generate.py mitre-attack.json > attack.zst (needs the zstd program).

Input: {"version", "source", "techniques": {id: {"name", "tactics": [name, ...], "retired"?: true}}}.
Output lines: "version<TAB>attribution", then "id<TAB>name<TAB>tactic,tactic<TAB>-" where "-" marks a retired technique.
"""
import json
import subprocess
import sys

data = json.load(open(sys.argv[1]))
lines = [f"{data['version']}\t{data['source']}"]
for key, technique in sorted(data["techniques"].items()):
    retired = "-" if technique.get("retired") else ""
    lines.append("\t".join([key, technique["name"], ",".join(technique["tactics"]), retired]))
text = "\n".join(lines) + "\n"
sys.stdout.buffer.write(subprocess.run(["zstd", "-19", "-c"], input=text.encode(), capture_output=True, check=True).stdout)
