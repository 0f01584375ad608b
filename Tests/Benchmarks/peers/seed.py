"""The seed of schedhost's design, measured: prints NAME=VALUE as the limit programs do.

    seed.py cycle COUNT | step PERIOD_US COUNT | hit COUNT | load COUNT | put COUNT DIRECTORY
"""
import sys
import time
from datetime import timedelta
from pathlib import Path

from machineconfig.utils.scheduler import Cache, CacheMemory, Scheduler


class Silence:
    """Its logger, without its output: only what the scheduler itself costs is measured."""

    def trace(self, *_): pass
    def success(self, *_): pass
    def debug(self, *_): pass
    def info(self, *_): pass
    def warning(self, *_): pass
    def error(self, *_): pass
    def critical(self, *_): pass


def percentiles(samples, unit=1e3):
    samples = sorted(samples)
    at = lambda part: samples[min(len(samples) - 1, int(len(samples) * part))] / unit
    print(f"p50={at(0.5):.3f} p90={at(0.9):.3f} p99={at(0.99):.3f} max={samples[-1] / unit:.3f}")


def schedule(routine, wait_ms, count):
    """Its loop, without the summary at the end, which needs packages of its own."""
    scheduler = Scheduler(routine, wait_ms, Silence())
    scheduler.record_session_end = lambda reason: None
    scheduler.run(max_cycles=count)


mode, arguments = sys.argv[1], sys.argv[2:]
count = int(arguments[1] if mode == "step" else arguments[0])
if mode == "cycle":
    begin = time.monotonic_ns()
    schedule(lambda _: None, 0, count)
    print(f"ns={(time.monotonic_ns() - begin) / count:.1f}")
elif mode == "step":
    period = int(arguments[0]) * 1000
    starts = []
    schedule(lambda _: starts.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME)), period // 1_000_000, count)
    late = [start - starts[0] - index * period for index, start in enumerate(starts)]
    print(f"drift_us={late[-1] / 1e3:.3f}")
    steps = [abs(b - a - period) for a, b in zip(starts, starts[1:])]  # it has no grid: the error of each step
    percentiles(steps)
elif mode in ("hit", "load"):
    cache = CacheMemory(lambda: b"value", timedelta(days=1), Silence(), name="bench")
    cache(fresh=False, tolerance_seconds=0)
    begin = time.monotonic_ns()
    for _ in range(count):
        cache(fresh=mode == "load", tolerance_seconds=0)
    print(f"ns={(time.monotonic_ns() - begin) / count:.1f}")
elif mode == "put":
    data = bytes(4096)
    path = Path(arguments[1]) / "seed.pickle"
    cache = Cache(lambda: data, timedelta(0), Silence(), path, name="bench")
    cache.cache = data
    times = []
    for _ in range(count):
        begin = time.monotonic_ns()
        cache(fresh=False, tolerance_seconds=0)
        times.append(time.monotonic_ns() - begin)
    path.unlink()
    percentiles(times)
