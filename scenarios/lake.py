"""What scenarios of the Lake share."""


def store(client, name, **more):
    """A new store; its ARN and its id."""
    arn = client.create_event_data_store(Name=name, TerminationProtectionEnabled=False, **more)["EventDataStoreArn"]
    return arn, arn.rsplit("/", 1)[1]
