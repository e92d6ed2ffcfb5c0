"""What a chain command costs before the daemon starts: ``python3 benchmarks/chain_commands.py``.

Each line is a whole process, from its start to the end of the ``/bin/true`` it becomes. All
are run in turn, after some rounds of warming up, and the medians are given as ratios to the
interpreter that does nothing but end, and to the C programs. Run it as root (for setuidgid)
on a machine with little else to do. Arguments: the number of rounds, 200 by default.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
WARM_UP = 20
ACCOUNT = "root"

CHAINS = {
    "setuidgid": "setuidgid {account}",
    "envuidgid": "envuidgid {account}",
    "envdir": "envdir {env}",
    "softlimit": "softlimit -o100",
    "softlimit -m": "softlimit -m100000000",
    "setlock": "setlock {lock}",
    "pgrphack": "pgrphack",
    "fghack": "fghack",
    "chpst": "chpst -o100 -e {env}",
    "three": "softlimit -o100 envdir {env} setuidgid {account}",
    "five": "setlock {lock} pgrphack softlimit -o100 envdir {env} setuidgid {account}",
}
"""Name of each measurement and the words in front of the program."""


def launchers_of_ours(directory: Path) -> None:
    """Write our launchers, over a copy of the code that is compiled as an installed one is."""
    import compileall
    import shutil

    code = directory / "code"
    shutil.copytree(CHECKOUT / "supervise", code / "supervise")
    compileall.compile_dir(str(code), quiet=1)
    sys.path.insert(0, str(code))
    from supervise import launchers  # type: ignore[import-not-found]

    launchers.write(str(directory / "ours"), python=PYTHON, code=str(code))


def once(argv: list[str], environment: dict[str, str]) -> float:
    """Run ``argv`` to its end; return the seconds that took."""
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, environment)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - start
    if status:
        raise SystemExit(f"{argv}: status {status}")
    return took


def measure(rounds: int) -> dict[str, float]:
    """Return the median seconds of every measurement."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        launchers_of_ours(directory)
        env = directory / "env"
        env.mkdir()
        for number in range(5):
            (env / f"VARIABLE{number}").write_text(f"value {number}\n")
        words = {"account": ACCOUNT, "env": env, "lock": directory / "lock"}
        lines = {
            "interpreter": ([PYTHON, "-ISXutf8", "-c", "import os; os._exit(0)"], "/usr/bin"),
            "true": (["/bin/true"], "/usr/bin"),
        }
        for name, chain in CHAINS.items():
            for kind, path in ("ours", str(directory / "ours")), ("C", "/usr/bin"):
                argv = [*chain.format(**words).split(), "/bin/true"]
                lines[f"{kind}: {name}"] = ([f"{path}/{argv[0]}", *argv[1:]], path)
        times: dict[str, list[float]] = {name: [] for name in lines}
        for number in range(WARM_UP + rounds):
            for name, (argv, path) in lines.items():
                took = once(argv, {"PATH": path})
                if number >= WARM_UP:
                    times[name].append(took)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    median = measure(rounds)
    bare = median["interpreter"]
    print(f"{rounds} rounds; interpreter alone {bare * 1e3:.2f} ms, /bin/true alone ", end="")
    print(f"{median['true'] * 1e3:.2f} ms\n")
    print(f"{'in front of /bin/true':22}{'ms':>8}{'- interpreter':>15}{'/ one':>8}{'/ C':>8}")
    one = median["ours: setuidgid"]
    for name in CHAINS:
        took = median[f"ours: {name}"]
        beyond = took - bare
        print(f"{name:22}{took * 1e3:8.2f}{beyond * 1e3:+15.2f}", end="")
        print(f"{took / one:8.2f}{took / median[f'C: {name}']:8.2f}")
    print("\n'/ one' is the ratio to setuidgid alone, '/ C' that to the C programs.")


if __name__ == "__main__":
    main()
