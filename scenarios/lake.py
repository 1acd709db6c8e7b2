"""What scenarios of the Lake share."""

import time

ENDED = {"FINISHED", "FAILED", "CANCELLED", "TIMED_OUT"}


def store(client, name, **more):
    """A new store; its ARN and its id."""
    arn = client.create_event_data_store(Name=name, TerminationProtectionEnabled=False, **more)["EventDataStoreArn"]
    return arn, arn.rsplit("/", 1)[1]


def ended(client, query, within=60):
    """The query once it has ended."""
    give_up = time.monotonic() + within
    while True:
        shown = client.describe_query(QueryId=query)
        if shown["QueryStatus"] in ENDED:
            return shown
        assert time.monotonic() < give_up, shown
        time.sleep(0.05)


def rows(client, query, page=1000):
    """All rows of an answer, each a list of (column, text)."""
    found, more = [], {}
    while True:
        answer = client.get_query_results(QueryId=query, MaxQueryResults=page, **more)
        found += [[next(iter(cell.items())) for cell in row] for row in answer["QueryResultRows"]]
        if "NextToken" not in answer:
            return found
        more = {"NextToken": answer["NextToken"]}


def ask(client, statement):
    """Runs a statement to its end; its rows, each a list of texts."""
    query = client.start_query(QueryStatement=statement)["QueryId"]
    shown = ended(client, query)
    assert shown["QueryStatus"] == "FINISHED", shown
    return [[text for _, text in row] for row in rows(client, query)]
