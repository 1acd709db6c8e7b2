"""Pull the plug at random moments under load: every answered management call is found exactly once."""

import collections
import concurrent.futures
import random
import threading
import time

ROUNDS = 20
WORKERS = 6


def test_kill_at_random_moments(fresh):
    dice = random.Random(20261121)
    answered = {}  # request id → event name
    for round_ in range(ROUNDS):
        fresh.start()
        keys = fresh.credentials()
        stop = threading.Event()

        def work(worker, keys=keys, round_=round_, stop=stop):
            client = fresh.client("s3", keys=keys)
            mine = {}
            for i in range(10_000):
                if stop.is_set():
                    break
                try:
                    name = f"kill-{round_}-{worker}-{i}"
                    mine[client.create_bucket(Bucket=name)["ResponseMetadata"]["RequestId"]] = "CreateBucket"
                    mine[client.get_bucket_location(Bucket=name)["ResponseMetadata"]["RequestId"]] = "GetBucketLocation"
                    mine[client.delete_bucket(Bucket=name)["ResponseMetadata"]["RequestId"]] = "DeleteBucket"
                except Exception:
                    break
            return mine

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            work_ = [pool.submit(work, w) for w in range(WORKERS)]
            time.sleep(dice.uniform(0.1, 0.8))
            fresh.kill()
            stop.set()
            for done in work_:
                answered.update(done.result())
    fresh.start()
    assert len(answered) > ROUNDS * WORKERS, "there was no load"
    found = collections.Counter()
    outcomes = collections.Counter()

    def complete(records):
        return {r["requestID"] for r in records} >= set(answered)

    records = fresh.records(within=10, until=complete)
    for record in records:
        found[record["requestID"]] += 1
        outcomes[record.get("additionalEventData", {}).get("outcome", "known")] += 1
        if record["requestID"] in answered:
            assert record["eventName"] == answered[record["requestID"]]
            assert record.get("additionalEventData", {}).get("outcome") != "unknown"
    missing = [r for r in answered if found[r] == 0]
    twice = [r for r, n in found.items() if n > 1]
    assert not missing, f"{len(missing)} of {len(answered)} answered calls are not found"
    assert not twice, f"{len(twice)} calls are found twice"
    assert len({r["eventID"] for r in records}) == len(records)
    assert fresh.stop() == 0
    print(f"{len(answered)} answered calls found once each over {ROUNDS} kills; {outcomes['unknown']} begun calls resolved as unknown")
