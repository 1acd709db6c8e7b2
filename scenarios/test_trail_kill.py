"""Pull the plug at random moments while a trail delivers: every answered call is in exactly one log file, and the chain holds."""

import collections
import concurrent.futures
import datetime
import random
import threading
import time

import pytest
from conftest import Server
from trails import log_files, logging_trail, wait_for

ROUNDS = 20
WORKERS = 4


@pytest.fixture
def quick(tmp_path):
    server = Server(tmp_path, "trail.delivery_interval=1s", "trail.digest_interval=5s")
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


def test_kill_while_a_trail_delivers(quick):
    dice = random.Random(20261121)
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    quick.start()
    arn = logging_trail(quick, "plug", "plug-logs")
    answered = {}
    for round_ in range(ROUNDS):
        if round_:
            quick.start()
        keys = quick.credentials()
        stop = threading.Event()

        def work(worker, keys=keys, round_=round_, stop=stop):
            client, mine = quick.client("s3", keys=keys), {}
            for i in range(10_000):
                if stop.is_set():
                    break
                try:
                    name = f"plug-{round_}-{worker}-{i}"
                    mine[client.create_bucket(Bucket=name)["ResponseMetadata"]["RequestId"]] = "CreateBucket"
                    mine[client.get_bucket_location(Bucket=name)["ResponseMetadata"]["RequestId"]] = "GetBucketLocation"
                    mine[client.delete_bucket(Bucket=name)["ResponseMetadata"]["RequestId"]] = "DeleteBucket"
                except Exception:
                    break
            return mine

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            load = [pool.submit(work, w) for w in range(WORKERS)]
            time.sleep(dice.uniform(0.1, 1.6))
            quick.kill()
            stop.set()
            for done in load:
                answered.update(done.result())
    quick.start()
    assert len(answered) > ROUNDS * WORKERS, "there was no load"

    def all_delivered():
        records = [r for records in log_files(quick, "plug-logs").values() for r in records]
        return records if {r["requestID"] for r in records} >= set(answered) else None

    records = wait_for("every answered call is in a log file", all_delivered, pause=1.0)
    found = collections.Counter(r["requestID"] for r in records)
    assert not [r for r in answered if found[r] != 1], "in more than one log file"
    assert len({r["eventID"] for r in records}) == len(records), "an event is in a trail twice"
    for record in records:
        if record["requestID"] in answered:
            assert record["eventName"] == answered[record["requestID"]]

    # The end of logging closes the chain over everything that was delivered.
    quick.client("cloudtrail").stop_logging(Name="plug")
    deadline = time.monotonic() + 60
    while True:
        said = quick.aws(
            "cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", began.isoformat(timespec="seconds"), "--verbose"
        )
        proven = {line.split("plug-logs/")[1].split()[0] for line in said.splitlines() if line.startswith("Log file") and "valid" in line}
        files = log_files(quick, "plug-logs")
        told = [r["eventName"] for records in files.values() for r in records]
        # The record of the call that ends logging comes with the last file.
        if proven == set(files) and "StopLogging" in told:
            break
        assert time.monotonic() < deadline, f"{len(proven)} files are in the chain:\n{said[-3000:]}"
        time.sleep(2)
    assert "INVALID" not in said
    assert told.count("StopLogging") == 1, "a trail tells of its own end"
    assert quick.stop() == 0
    print(f"{len(answered)} answered calls, each in one of {len(proven)} log files over {ROUNDS} kills")
