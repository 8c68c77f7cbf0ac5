"""Takes the sample documents of the documentation from a running server, so that they are what the program sets today."""

import argparse
import time
from pathlib import Path
from typing import Any

import httpx2

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "samples"
QUESTION = {"method": "scan", "parameters": {"permutations": 999}}
LANGUAGES = ("zh", "en")


def answered(client: httpx2.Client, question: dict[str, Any]) -> int:
    """Ask and wait; the number of the analysis."""
    id = client.post("/api/v1/analyses", json=question).raise_for_status().json()["id"]
    while (state := client.get(f"/api/v1/analyses/{id}").json()["analysis"]["state"]) in ("asked", "running"):
        time.sleep(1)
    if state != "done":
        raise SystemExit(f"analysis {id} is {state}")
    return int(id)


def main() -> None:
    """Write the samples that the command line asks for."""
    asked = argparse.ArgumentParser(description="Sample documents of a running server.")
    asked.add_argument("address", help="such as http://127.0.0.1:8420")
    asked.add_argument("token", help="a bearer token of an analyst: ./wangge token --role analyst")
    asked.add_argument("--area", help="code of the area a report is of; default: all")
    asked.add_argument("--plan", type=int, help="number of a plan to set for signature")
    given = asked.parse_args()
    FOLDER.mkdir(exist_ok=True)
    client = httpx2.Client(base_url=given.address.rstrip("/"), headers={"Authorization": f"Bearer {given.token}"}, timeout=600)
    id = answered(client, QUESTION | {"area": given.area})
    files = {f"report-{each}.pdf": f"/api/v1/reports/{id}/files/report.pdf?language={each}" for each in LANGUAGES}
    if given.plan:
        files["plan-zh.pdf"] = f"/api/v1/plans/{given.plan}/document.pdf?language=zh"
    for name, path in files.items():
        body = client.get(path).raise_for_status().content
        (FOLDER / name).write_bytes(body)
        print(f"{name:<16} {len(body) / 1000:>6.0f} kB", flush=True)


if __name__ == "__main__":
    main()
