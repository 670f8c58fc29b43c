"""SQLite in process: WAL, synchronous FULL, one transaction per group of entries. Prints one line of JSON.

Usage: sqlite-push.py FILE GROUP BYTES SECONDS. There is no network and no client here: what is compared is the commit.
"""
import json
import os
import sqlite3
import sys
import time

path, group, size, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
database = sqlite3.connect(path, isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=FULL")
database.execute("CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, sealed BLOB NOT NULL)")
rows = [(os.urandom(size),) for _ in range(group)]


def commit():
    started = time.perf_counter()
    database.execute("BEGIN")
    database.executemany("INSERT INTO entry (sealed) VALUES (?)", rows)
    database.execute("COMMIT")
    return time.perf_counter() - started


warm_until = time.perf_counter() + min(seconds / 5, 0.5)
while time.perf_counter() < warm_until:
    commit()
latencies = []
cpu_before, began = time.process_time(), time.perf_counter()
while time.perf_counter() - began < seconds:
    latencies.append(commit())
wall, cpu = time.perf_counter() - began, time.process_time() - cpu_before
latencies.sort()
entries = group * len(latencies)
print(json.dumps({
    "mode": "push",
    "entries_per_second": entries / wall,
    "latency_us": {"p50": latencies[len(latencies) // 2] * 1e6, "p99": latencies[len(latencies) * 99 // 100] * 1e6},
    "wall_seconds": wall,
    "load_cpu_seconds": 0,
    "server_cpu_us_per_entry": cpu * 1e6 / entries,
}))
