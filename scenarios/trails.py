"""What scenarios of trails do again and again."""

import gzip
import json
import time


def welcome(bucket, account, region="us-east-1", prefix=""):
    """The policy of a bucket that lets the trails of `account` deliver into it."""
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{account}:trail/*"}}
    write = {**source, "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    files = f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{account}/*"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {**allow, "Sid": "Check", "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}", "Condition": source},
                {**allow, "Sid": "Write", "Action": "s3:PutObject", "Resource": files, "Condition": write},
            ],
        }
    )


def logging_trail(server, name, bucket, keys=None, region="us-east-1", **create):
    """A bucket with its policy, and a trail that delivers into it and logs; the trail's ARN."""
    account = server.client("sts", keys=keys).get_caller_identity()["Account"]
    s3 = server.client("s3", keys=keys)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=welcome(bucket, account))
    trails = server.client("cloudtrail", keys=keys, region=region)
    arn = trails.create_trail(Name=name, S3BucketName=bucket, EnableLogFileValidation=True, **create)["TrailARN"]
    trails.start_logging(Name=name)
    return arn


def log_files(server, bucket, keys=None, prefix="AWSLogs/"):
    """Every log file in a bucket: its key, and its records."""
    s3 = server.client("s3", keys=keys)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = {}
    for page in pages:
        for entry in page.get("Contents", []):
            if "/CloudTrail/" in entry["Key"] and entry["Key"].endswith(".json.gz"):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                found[entry["Key"]] = json.loads(gzip.decompress(body))["Records"]
    return found


def wait_for(what, holds, within=30.0, pause=0.25):
    """Tries until `holds()` is true; its value."""
    give_up = time.monotonic() + within
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < give_up, f"{what}: not within {within} s"
        time.sleep(pause)
