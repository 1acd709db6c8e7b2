-- Investigate who signed in to the console without multi-factor authentication
-- Successful console sign-ins of which the record says that no MFA was used, newest first.
SELECT eventTime, userIdentity.arn, userIdentity.type, sourceIPAddress, awsRegion
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin'
  AND element_at(responseElements, 'ConsoleLogin') = 'Success'
  AND element_at(additionalEventData, 'MFAUsed') = 'No'
ORDER BY eventTime DESC

-- Failed console sign-ins by source address
-- Where attempts to sign in fail, how often, and for how many identities: many identities from one address are an attack.
SELECT sourceIPAddress, count(*) AS failures, count(DISTINCT userIdentity.userName) AS users, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin' AND errorMessage IS NOT NULL
GROUP BY sourceIPAddress
ORDER BY failures DESC

-- Use of the root user
-- Every call that an account's root user made itself, not AWS in its name.
SELECT eventTime, recipientAccountId, eventSource, eventName, sourceIPAddress, userAgent, errorCode
FROM $EDS_ID
WHERE userIdentity.type = 'Root' AND userIdentity.invokedBy IS NULL AND eventType <> 'AwsServiceEvent'
ORDER BY eventTime DESC

-- Top errors by error code and service
-- Which errors occur most, and in which service.
SELECT eventSource, errorCode, count(*) AS calls
FROM $EDS_ID
WHERE errorCode IS NOT NULL
GROUP BY eventSource, errorCode
ORDER BY calls DESC
LIMIT 50

-- Denied calls by principal
-- Who is denied what, most often first: missing permissions, or somebody who looks for open doors.
SELECT userIdentity.arn, eventSource, eventName, count(*) AS denied, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation')
GROUP BY userIdentity.arn, eventSource, eventName
ORDER BY denied DESC
LIMIT 100

-- Busiest principals
-- Principals by number of calls, with how many of them changed something.
SELECT userIdentity.arn, count(*) AS calls, count_if(readOnly = false) AS changes
FROM $EDS_ID
WHERE userIdentity.arn IS NOT NULL
GROUP BY userIdentity.arn
ORDER BY calls DESC
LIMIT 50

-- All activity of one user
-- Everything that the user of a name did, oldest first. Replace the name.
SELECT eventTime, eventSource, eventName, awsRegion, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE userIdentity.userName = 'USER_NAME'
ORDER BY eventTime

-- All activity from one source address
-- Everything that came from an address, with who did it. Replace the address.
SELECT eventTime, userIdentity.arn, eventSource, eventName, awsRegion, errorCode
FROM $EDS_ID
WHERE sourceIPAddress = '192.0.2.1'
ORDER BY eventTime

-- Activity of one access key
-- What an access key was used for, by service and operation: the first question when a key has leaked. Replace the key.
SELECT eventSource, eventName, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE userIdentity.accessKeyId = 'ACCESS_KEY_ID'
GROUP BY eventSource, eventName
ORDER BY calls DESC

-- Access keys and the addresses they are used from
-- Long-lived keys that are used from more than one address.
SELECT userIdentity.accessKeyId, count(DISTINCT sourceIPAddress) AS addresses, array_agg(DISTINCT sourceIPAddress) AS seen_at
FROM $EDS_ID
WHERE userIdentity.accessKeyId LIKE 'AKIA%'
GROUP BY userIdentity.accessKeyId
HAVING count(DISTINCT sourceIPAddress) > 1
ORDER BY addresses DESC

-- Access keys that were created
-- Who made a new access key, and for whom.
SELECT eventTime, userIdentity.arn AS made_by, element_at(requestParameters, 'userName') AS made_for,
  json_extract_scalar(element_at(responseElements, 'accessKey'), '$.accessKeyId') AS access_key_id
FROM $EDS_ID
WHERE eventName = 'CreateAccessKey' AND errorCode IS NULL
ORDER BY eventTime DESC

-- Users, roles and policies that were changed
-- Every change of IAM that went through, with the principal that made it.
SELECT eventTime, eventName, userIdentity.arn, sourceIPAddress, requestParameters
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com' AND readOnly = false AND errorCode IS NULL
ORDER BY eventTime DESC

-- Top IAM operations
-- What is done in IAM, by operation.
SELECT eventName, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com'
GROUP BY eventName
ORDER BY calls DESC

-- Administrator policies that were attached
-- AdministratorAccess or IAMFullAccess attached to a user, a group or a role.
SELECT eventTime, eventName, userIdentity.arn AS attached_by,
  coalesce(element_at(requestParameters, 'userName'), element_at(requestParameters, 'groupName'), element_at(requestParameters, 'roleName')) AS attached_to,
  element_at(requestParameters, 'policyArn') AS policy
FROM $EDS_ID
WHERE eventName IN ('AttachUserPolicy', 'AttachGroupPolicy', 'AttachRolePolicy')
  AND regexp_like(element_at(requestParameters, 'policyArn'), '/(AdministratorAccess|IAMFullAccess)$')
ORDER BY eventTime DESC

-- Users added to a group
-- Who was added to which group, and by whom.
SELECT eventTime, element_at(requestParameters, 'userName') AS added, element_at(requestParameters, 'groupName') AS to_group, userIdentity.arn AS added_by
FROM $EDS_ID
WHERE eventName = 'AddUserToGroup' AND errorCode IS NULL
ORDER BY eventTime DESC

-- Multi-factor devices that were turned off
-- Deactivated or deleted MFA devices.
SELECT eventTime, eventName, userIdentity.arn, requestParameters
FROM $EDS_ID
WHERE eventName IN ('DeactivateMFADevice', 'DeleteVirtualMFADevice') AND errorCode IS NULL
ORDER BY eventTime DESC

-- Roles that were assumed, and by whom
-- Each role with the principals that assume it, and how often.
SELECT element_at(requestParameters, 'roleArn') AS role, coalesce(userIdentity.arn, userIdentity.invokedBy) AS assumed_by, count(*) AS times, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com' AND eventName LIKE 'AssumeRole%' AND errorCode IS NULL
GROUP BY element_at(requestParameters, 'roleArn'), coalesce(userIdentity.arn, userIdentity.invokedBy)
ORDER BY times DESC

-- Roles assumed from another account
-- AssumeRole calls whose caller is of another account than the one that owns the role.
SELECT eventTime, userIdentity.accountId AS caller, recipientAccountId AS owner, element_at(requestParameters, 'roleArn') AS role, sourceIPAddress
FROM $EDS_ID
WHERE eventName = 'AssumeRole' AND userIdentity.accountId <> recipientAccountId
ORDER BY eventTime DESC

-- Activity of one role by session
-- What the sessions of a role did. Replace the name of the role.
SELECT element_at(split(userIdentity.principalId, ':'), 2) AS session, eventSource, eventName, count(*) AS calls
FROM $EDS_ID
WHERE userIdentity.sessionContext.sessionIssuer.userName = 'ROLE_NAME'
GROUP BY element_at(split(userIdentity.principalId, ':'), 2), eventSource, eventName
ORDER BY calls DESC

-- Changes made in the console
-- Changes that somebody made by hand in the console.
SELECT eventTime, userIdentity.arn, eventSource, eventName, awsRegion
FROM $EDS_ID
WHERE sessionCredentialFromConsole = 'true' AND readOnly = false
ORDER BY eventTime DESC

-- Events by region
-- Where things happen: calls and changes in each region.
SELECT awsRegion, count(*) AS calls, count_if(readOnly = false) AS changes
FROM $EDS_ID
GROUP BY awsRegion
ORDER BY calls DESC

-- Events outside the regions that are used
-- Changes in other regions than those named: nobody should work there.
SELECT eventTime, awsRegion, eventSource, eventName, userIdentity.arn, sourceIPAddress
FROM $EDS_ID
WHERE awsRegion NOT IN ('us-east-1', 'eu-west-1') AND readOnly = false
ORDER BY eventTime DESC

-- Events by hour
-- How many calls there were in each hour.
SELECT date_trunc('hour', eventTime) AS hour, count(*) AS calls
FROM $EDS_ID
GROUP BY date_trunc('hour', eventTime)
ORDER BY hour

-- Events by day of the week
-- How many calls there were on each day of the week, 1 being Monday.
SELECT day_of_week(eventTime) AS day, count(*) AS calls, count_if(readOnly = false) AS changes
FROM $EDS_ID
GROUP BY day_of_week(eventTime)
ORDER BY day

-- Changes at night and on weekends
-- Changes by people outside working hours, in UTC.
SELECT eventTime, userIdentity.arn, eventSource, eventName
FROM $EDS_ID
WHERE readOnly = false
  AND userIdentity.type IN ('IAMUser', 'Root', 'AssumedRole')
  AND userIdentity.invokedBy IS NULL
  AND (day_of_week(eventTime) > 5 OR hour(eventTime) < 6 OR hour(eventTime) >= 20)
ORDER BY eventTime DESC

-- Events by account and category
-- How many events each account has, by category.
SELECT recipientAccountId, eventCategory, count(*) AS events
FROM $EDS_ID
GROUP BY recipientAccountId, eventCategory
ORDER BY events DESC

-- One event, whole
-- The exact record of an event. Replace the id.
SELECT eventJson
FROM $EDS_ID
WHERE eventID = '00000000-0000-0000-0000-000000000000'

-- Events that mention a word
-- Records in which a word stands anywhere: a host name, a ticket, part of an ARN. Replace the word.
SELECT eventTime, userIdentity.arn, eventSource, eventName, eventJson
FROM $EDS_ID
WHERE strpos(eventJson, 'WORD') > 0
ORDER BY eventTime DESC
LIMIT 100

-- History of one resource
-- Everything that was done to a resource, by its ARN. Replace the ARN.
SELECT eventTime, eventName, userIdentity.arn AS done_by, r.arn AS resource, errorCode
FROM $EDS_ID
CROSS JOIN UNNEST(resources) AS r(accountid, type, arn, arnprefix)
WHERE r.arn = 'RESOURCE_ARN'
ORDER BY eventTime

-- Resources that are touched most
-- Resources by type and ARN, with how often they occur in events.
SELECT r.type, r.arn, count(*) AS calls
FROM $EDS_ID
CROSS JOIN UNNEST(resources) AS r(accountid, type, arn, arnprefix)
GROUP BY r.type, r.arn
ORDER BY calls DESC
LIMIT 50

-- Instances that were launched, and by whom
-- RunInstances that went through: who, which image and type, how many.
SELECT eventTime, userIdentity.arn, element_at(requestParameters, 'instanceType') AS instance_type,
  json_extract_scalar(element_at(requestParameters, 'instancesSet'), '$.items[0].imageId') AS image,
  json_array_length(json_extract(element_at(responseElements, 'instancesSet'), '$.items')) AS launched
FROM $EDS_ID
WHERE eventName = 'RunInstances' AND errorCode IS NULL
ORDER BY eventTime DESC

-- Who launched this instance
-- The RunInstances call whose answer names an instance. Replace the id.
SELECT eventTime, userIdentity.arn, sourceIPAddress
FROM $EDS_ID
WHERE eventName = 'RunInstances' AND element_at(responseElements, 'instancesSet') LIKE '%i-0123456789abcdef0%'

-- Instances that were stopped or terminated
-- Who stopped or terminated which instances.
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'instancesSet') AS instances
FROM $EDS_ID
WHERE eventName IN ('StopInstances', 'TerminateInstances') AND errorCode IS NULL
ORDER BY eventTime DESC

-- Security groups that were opened to the world
-- Rules that let every address in.
SELECT eventTime, userIdentity.arn, element_at(requestParameters, 'groupId') AS security_group, element_at(requestParameters, 'ipPermissions') AS rules
FROM $EDS_ID
WHERE eventName = 'AuthorizeSecurityGroupIngress'
  AND errorCode IS NULL
  AND (element_at(requestParameters, 'ipPermissions') LIKE '%0.0.0.0/0%' OR element_at(requestParameters, 'ipPermissions') LIKE '%::/0%')
ORDER BY eventTime DESC

-- Network changes
-- Changes of security groups, network ACLs, routes and gateways.
SELECT eventTime, eventName, userIdentity.arn, awsRegion
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com'
  AND regexp_like(eventName, '(SecurityGroup|NetworkAcl|Route|InternetGateway|NatGateway|VpcPeering)')
  AND readOnly = false
ORDER BY eventTime DESC

-- Buckets whose access was changed
-- Bucket policies, ACLs and public access blocks that were put or deleted.
SELECT eventTime, eventName, element_at(requestParameters, 'bucketName') AS bucket, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock', 'PutAccountPublicAccessBlock')
ORDER BY eventTime DESC

-- Top buckets and object operations
-- Object calls by bucket and operation; the store must select data events of S3.
SELECT element_at(requestParameters, 'bucketName') AS bucket, eventName, count(*) AS calls
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventCategory = 'Data'
GROUP BY element_at(requestParameters, 'bucketName'), eventName
ORDER BY calls DESC
LIMIT 50

-- Objects that were deleted
-- Who deleted which objects; the store must select data events of S3.
SELECT eventTime, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucket, element_at(requestParameters, 'key') AS key
FROM $EDS_ID
WHERE eventName IN ('DeleteObject', 'DeleteObjects') AND errorCode IS NULL
ORDER BY eventTime DESC

-- Object calls that failed
-- Errors of object calls by bucket, error and principal.
SELECT element_at(requestParameters, 'bucketName') AS bucket, errorCode, userIdentity.arn, count(*) AS calls
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventCategory = 'Data' AND errorCode IS NOT NULL
GROUP BY element_at(requestParameters, 'bucketName'), errorCode, userIdentity.arn
ORDER BY calls DESC

-- Encryption of objects that were put
-- PutObject calls by bucket and how the object was encrypted.
SELECT element_at(requestParameters, 'bucketName') AS bucket,
  coalesce(element_at(additionalEventData, 'SSEApplied'), 'none') AS encryption, count(*) AS objects
FROM $EDS_ID
WHERE eventName = 'PutObject' AND errorCode IS NULL
GROUP BY element_at(requestParameters, 'bucketName'), coalesce(element_at(additionalEventData, 'SSEApplied'), 'none')
ORDER BY objects DESC

-- Changes of the audit trail itself
-- Trails, event data stores and their selectors that were changed, stopped or deleted: what somebody does first who does not want to be seen.
SELECT eventTime, eventName, userIdentity.arn, sourceIPAddress, requestParameters
FROM $EDS_ID
WHERE eventSource = 'cloudtrail.amazonaws.com' AND readOnly = false
ORDER BY eventTime DESC

-- Logging that was stopped
-- StopLogging, DeleteTrail, StopEventDataStoreIngestion and DeleteEventDataStore, also where they failed.
SELECT eventTime, eventName, userIdentity.arn, errorCode
FROM $EDS_ID
WHERE eventName IN ('StopLogging', 'DeleteTrail', 'StopEventDataStoreIngestion', 'DeleteEventDataStore')
ORDER BY eventTime DESC

-- Keys that were disabled or scheduled for deletion
-- Encryption keys that will be missing.
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'keyId') AS key
FROM $EDS_ID
WHERE eventSource = 'kms.amazonaws.com' AND eventName IN ('DisableKey', 'ScheduleKeyDeletion') AND errorCode IS NULL
ORDER BY eventTime DESC

-- Secrets that were read
-- Who read which secrets and secure parameters.
SELECT eventTime, eventName, userIdentity.arn, coalesce(element_at(requestParameters, 'secretId'), element_at(requestParameters, 'name')) AS secret, sourceIPAddress
FROM $EDS_ID
WHERE (eventSource = 'secretsmanager.amazonaws.com' AND eventName = 'GetSecretValue')
  OR (eventSource = 'ssm.amazonaws.com' AND eventName IN ('GetParameter', 'GetParameters', 'GetParametersByPath'))
ORDER BY eventTime DESC

-- Databases that were made public or deleted
-- RDS instances that were made reachable from everywhere, or deleted without a snapshot.
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'dBInstanceIdentifier') AS database
FROM $EDS_ID
WHERE eventSource = 'rds.amazonaws.com'
  AND ((eventName IN ('CreateDBInstance', 'ModifyDBInstance') AND element_at(requestParameters, 'publiclyAccessible') = 'true')
    OR (eventName = 'DeleteDBInstance' AND element_at(requestParameters, 'skipFinalSnapshot') = 'true'))
ORDER BY eventTime DESC

-- Snapshots that were shared
-- Snapshots of volumes and databases whose attributes were changed, which is how they are shared.
SELECT eventTime, eventName, userIdentity.arn, requestParameters
FROM $EDS_ID
WHERE eventName IN ('ModifySnapshotAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'ModifyImageAttribute') AND errorCode IS NULL
ORDER BY eventTime DESC

-- Lambda functions that were changed
-- Code, configuration and permissions of functions that were changed.
SELECT eventTime, regexp_replace(eventName, '[0-9]{8}(v[0-9])?$', '') AS operation, element_at(requestParameters, 'functionName') AS function_name, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 'lambda.amazonaws.com' AND readOnly = false AND eventCategory = 'Management'
ORDER BY eventTime DESC

-- Tags that were changed
-- Who put or removed tags.
SELECT eventTime, eventSource, eventName, userIdentity.arn, requestParameters
FROM $EDS_ID
WHERE regexp_like(eventName, '(?i)^(create|delete|add|remove|put|tag|untag).*tag') AND errorCode IS NULL
ORDER BY eventTime DESC

-- TLS versions in use
-- Which TLS versions clients use, by service.
SELECT eventSource, tlsDetails.tlsVersion, count(*) AS calls
FROM $EDS_ID
WHERE tlsDetails.tlsVersion IS NOT NULL
GROUP BY eventSource, tlsDetails.tlsVersion
ORDER BY eventSource, calls DESC

-- Clients by user agent
-- Which tools and SDKs are used, by the first part of the user agent.
SELECT split_part(userAgent, '/', 1) AS client, count(*) AS calls, count(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
GROUP BY split_part(userAgent, '/', 1)
ORDER BY calls DESC
LIMIT 50

-- Throttled calls
-- Who is throttled, where, and how often.
SELECT eventSource, eventName, userIdentity.arn, count(*) AS throttled
FROM $EDS_ID
WHERE errorCode IN ('ThrottlingException', 'Throttling', 'RequestLimitExceeded', 'Client.RequestLimitExceeded', 'TooManyRequestsException', 'SlowDown')
GROUP BY eventSource, eventName, userIdentity.arn
ORDER BY throttled DESC

-- Calls denied by a VPC endpoint
-- Calls that an endpoint's policy refused; the store must select network activity events.
SELECT eventTime, eventSource, eventName, vpcEndpointId, userIdentity.arn, sourceIPAddress
FROM $EDS_ID
WHERE errorCode = 'VpceAccessDenied'
ORDER BY eventTime DESC

-- First and last use of each service
-- Since when a service is used, and when it was used last.
SELECT eventSource, min(eventTime) AS first, max(eventTime) AS latest, count(*) AS calls
FROM $EDS_ID
GROUP BY eventSource
ORDER BY calls DESC

-- Latest event of each principal
-- What each principal did last: who has not been seen for long can go.
SELECT userIdentity.arn, max(eventTime) AS latest, max_by(eventName, eventTime) AS last_call, max_by(sourceIPAddress, eventTime) AS from_address
FROM $EDS_ID
WHERE userIdentity.arn IS NOT NULL
GROUP BY userIdentity.arn
ORDER BY latest
