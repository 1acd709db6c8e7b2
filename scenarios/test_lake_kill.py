"""Pull the plug at random moments while a store takes events: every answered call is in it exactly once, as it was recorded."""

import collections
import concurrent.futures
import random
import threading
import time

import pytest
from conftest import Server
from lake import ask, store

ROUNDS = 20
WORKERS = 4


@pytest.fixture
def quick(tmp_path):
    # Parts are written and merged all the time.
    server = Server(tmp_path, "history.seal_age=1s")
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


def test_kill_while_a_store_takes_events(quick):
    dice = random.Random(20261122)
    quick.start()
    _, name = store(quick.client("cloudtrail"), "plug")
    answered = set()
    for round_ in range(ROUNDS):
        if round_:
            quick.start()
        keys = quick.credentials()
        stop = threading.Event()

        def work(worker, keys=keys, round_=round_, stop=stop):
            client, mine = quick.client("s3", keys=keys), set()
            for i in range(10_000):
                if stop.is_set():
                    break
                try:
                    bucket = f"plug-{round_}-{worker}-{i}"
                    mine.add(client.create_bucket(Bucket=bucket)["ResponseMetadata"]["RequestId"])
                    mine.add(client.delete_bucket(Bucket=bucket)["ResponseMetadata"]["RequestId"])
                except Exception:
                    break
            return mine

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            load = [pool.submit(work, w) for w in range(WORKERS)]
            time.sleep(dice.uniform(0.1, 2.5))
            quick.kill()
            stop.set()
            for done in load:
                answered |= done.result()
    quick.start()
    assert len(answered) > ROUNDS * WORKERS, "there was no load"
    cloudtrail = quick.client("cloudtrail")
    found = ask(cloudtrail, f"SELECT requestID, eventID FROM {name} WHERE eventSource = 's3.amazonaws.com'")
    times = collections.Counter(request for request, _ in found)
    assert not answered - times.keys(), "answered and not in the store"
    assert not [request for request in answered if times[request] > 1], "in it twice"
    assert len({event for _, event in found}) == len(found)
    # What stands in the store is what stands in the history, byte for byte.
    for request in dice.sample(sorted(answered), 20):
        [[event, record]] = ask(cloudtrail, f"SELECT eventID, eventJson FROM {name} WHERE requestID = '{request}'")
        [looked_up] = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event}])["Events"]
        assert record == looked_up["CloudTrailEvent"]
