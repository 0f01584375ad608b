"""APScheduler 3, measured: prints NAME=VALUE as the limit programs do.

    apscheduler_step.py step PERIOD_US COUNT | cycle COUNT
"""
import logging
import sys
import threading
import time
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

logging.disable(logging.CRITICAL)
mode, arguments = sys.argv[1], sys.argv[2:]
scheduler = BackgroundScheduler()
done = threading.Event()
starts = []

if mode == "step":
    period, count = int(arguments[0]) * 1000, int(arguments[1])

    def job():
        starts.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        if len(starts) >= count:
            done.set()

    scheduler.add_job(job, "interval", seconds=period / 1e9, misfire_grace_time=None, coalesce=True, max_instances=8)
    scheduler.start()
    done.wait(period * count / 1e9 * 3 + 5)
    scheduler.shutdown(wait=False)
    late = [start - starts[0] - round((start - starts[0]) / period) * period for start in starts]
    least = min(late)
    late = sorted(value - least for value in late)
    at = lambda part: late[min(len(late) - 1, int(len(late) * part))] / 1e3
    print(f"drift_us={(starts[-1] - starts[0] - (len(starts) - 1) * period) / 1e3:.3f}")
    print(f"p50={at(0.5):.3f} p90={at(0.9):.3f} p99={at(0.99):.3f} max={late[-1] / 1e3:.3f}")
else:
    # One run after the other, each job added as the one before it ends.
    count = int(arguments[0])
    runs = 0

    def once():
        global runs
        runs += 1
        if runs >= count:
            done.set()
        else:
            scheduler.add_job(once)

    scheduler.start()
    begin = time.monotonic_ns()
    scheduler.add_job(once)
    done.wait(60)
    print(f"ns={(time.monotonic_ns() - begin) / max(1, runs):.1f}")
    scheduler.shutdown(wait=False)
