"""How long the application takes to be imported, and to be made, by processes of their own."""

import subprocess
import sys
import time

from app.settings import ROOT
from bench.figures import Figure, Report, median


def measure_start(report: Report) -> None:
    """Both in turns with a process that does nothing, whose time is taken off."""
    seconds: dict[str, list[float]] = {"pass": [], "import app": [], "import app; app.create_app()": []}
    for _ in range(5):
        for code, taken in seconds.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
            taken.append(time.perf_counter() - began)
    bare, imported, made = (median(taken) for taken in seconds.values())
    report.add(Figure("import the application", "", imported - bare, "s", 0.8))
    report.add(Figure("import and make it", "", made - bare, "s"))
