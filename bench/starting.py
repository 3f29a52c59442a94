"""How heavy it is to start: `truc --help` against a bare click program, DAG files against Airflow's own import."""

from pathlib import Path

from bench.figures import Figure, pairs_s, python

AIRFLOW = "from airflow.sdk import DAG, BaseHook, Connection, Param, dag, task; DAG('x')"
LOAD = "import runpy; runpy.run_path({path!r})"


def run() -> list[Figure]:
    """Return the figures; what a DAG file costs beyond Airflow's import is ours − floor."""
    ours, floor = pairs_s(python("from truc.cli import main; main(['--help'])"), python(_bare_click()))
    figures = [Figure("truc --help", ours, "click program with one command", floor)]
    files = sorted(str(path) for path in Path("dags").glob("*.py"))
    for path in files:
        ours, floor = pairs_s(python(f"{AIRFLOW}; {LOAD.format(path=path)}"), python(AIRFLOW), runs=3)
        figures.append(Figure(path, ours, "Airflow's own import", floor, f"{ours - floor:.2f} s beyond"))
    everything = "; ".join([AIRFLOW, "import runpy", *(f"runpy.run_path({path!r})" for path in files)])
    ours, floor = pairs_s(python(everything), python(AIRFLOW), runs=3)
    figures.append(Figure("dags/ (all files)", ours, "Airflow's own import", floor, f"{ours - floor:.2f} s beyond"))
    return figures


def _bare_click() -> str:
    return "import click\n@click.command()\ndef main(): pass\nmain(['--help'])"
