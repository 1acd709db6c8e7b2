//! The AWS managed policies that people attach: names and ARNs as AWS has them, documents of our own that allow what the name says.
//!
//! Every house has the same ones; they cannot be changed, only attached.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::{Kind, Policy};

/// The ARN of the policy that allows everything.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// The ARN of the policy that reads everything that is no secret.
pub(crate) const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// When all of them say that they were made: 2015-02-06T18:39:46Z, as the first ones of AWS.
const CREATED_S: i64 = 1_423_247_986;

/// A policy that every account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagedPolicy {
    pub name: &'static str,
    /// `/`, `/job-function/`, `/service-role/` or `/aws-service-role/`
    pub path: &'static str,
    pub description: &'static str,
    pub document: &'static str,
}

impl ManagedPolicy {
    /// `arn:aws:iam::aws:policy/PATH/NAME`
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }

    /// The one with this ARN.
    pub fn find(arn: &str) -> Option<&'static Self> {
        let rest = arn.strip_prefix("arn:aws:iam::aws:policy")?;
        MANAGED.iter().find(|policy| rest.strip_prefix(policy.path) == Some(policy.name))
    }

    /// Of the form `ANPA…`, and the same in every house.
    pub fn unique_id(&self) -> String {
        // FNV-1a, drawn out to 17 digits; it need only differ from policy to policy.
        let mut hash = 0xcbf2_9ce4_8422_2325_u128;
        for b in self.name.bytes() {
            hash = (hash ^ u128::from(b)).wrapping_mul(0x0100_0000_01b3_0000_0100_0000_01b3);
        }
        let digits = (0..17).map(|i| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(hash >> (i * 5)) as usize & 31]));
        format!("ANPA{}", digits.collect::<String>())
    }

    /// Whole seconds since 1970.
    pub fn created_s(&self) -> i64 {
        CREATED_S
    }

    /// Those of services' own roles are attached by no one else.
    pub fn is_attachable(&self) -> bool {
        self.path != "/aws-service-role/"
    }

    /// Ready to be asked; read once.
    pub fn policy(&self) -> Option<Arc<Policy>> {
        static READ: OnceLock<HashMap<&'static str, Arc<Policy>>> = OnceLock::new();
        let read = READ.get_or_init(|| {
            let read = |p: &ManagedPolicy| Policy::reload(p.document.as_bytes(), &Kind::Identity).ok();
            MANAGED.iter().filter_map(|p| Some((p.name, Arc::new(read(p)?)))).collect()
        });
        read.get(self.name).cloned()
    }
}

/// All of them, by name.
pub const MANAGED: &[ManagedPolicy] = &[
    ManagedPolicy {
        name: "AWSCloudTrailServiceRolePolicy",
        path: "/aws-service-role/",
        description: "What CloudTrail's own role may.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["organizations:DescribeAccount", "organizations:DescribeOrganization",
     "organizations:ListAccounts", "organizations:ListAWSServiceAccessForOrganization",
     "organizations:ListDelegatedAdministrators"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": "cloudtrail:*",
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSCloudTrail_FullAccess",
        path: "/",
        description: "Everything in CloudTrail, and what its trails need elsewhere.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["sns:AddPermission", "sns:CreateTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes"],
   "Resource": "arn:aws:sns:*:*:aws-cloudtrail-logs*"
  },
  {
   "Effect": "Allow",
   "Action": ["sns:ListTopics"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"],
   "Resource": "arn:aws:s3:::aws-cloudtrail-logs*"
  },
  {
   "Effect": "Allow",
   "Action": ["s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListAllMyBuckets"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": "cloudtrail:*",
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["logs:CreateLogGroup"],
   "Resource": "arn:aws:logs:*:*:log-group:aws-cloudtrail-logs*"
  },
  {
   "Effect": "Allow",
   "Action": ["iam:GetRolePolicy", "iam:GetUser", "iam:ListRoles"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["iam:PassRole"],
   "Resource": "*",
   "Condition": {
    "StringEquals": {
     "iam:PassedToService": "cloudtrail.amazonaws.com"
    }
   }
  },
  {
   "Effect": "Allow",
   "Action": ["kms:CreateAlias", "kms:CreateKey", "kms:ListAliases", "kms:ListKeys"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["lambda:ListFunctions"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["dynamodb:ListGlobalTables", "dynamodb:ListTables"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSCloudTrail_ReadOnlyAccess",
        path: "/",
        description: "Reads everything in CloudTrail.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*", "cloudtrail:LookupEvents"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSKeyManagementServicePowerUser",
        path: "/",
        description: "Makes keys and looks at them.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:Describe*", "kms:GenerateRandom",
     "kms:Get*", "kms:List*", "kms:TagResource", "kms:UntagResource", "iam:ListGroups", "iam:ListRoles",
     "iam:ListUsers"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSLambdaBasicExecutionRole",
        path: "/service-role/",
        description: "Lets a function write its log.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSLambda_FullAccess",
        path: "/",
        description: "Everything in Lambda.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["lambda:*", "logs:DescribeLogGroups", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole",
     "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles",
     "kms:ListAliases"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": "iam:PassRole",
   "Resource": "*",
   "Condition": {
    "StringEquals": {
     "iam:PassedToService": "lambda.amazonaws.com"
    }
   }
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AWSLambda_ReadOnlyAccess",
        path: "/",
        description: "Reads everything in Lambda.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["lambda:Get*", "lambda:List*", "logs:DescribeLogGroups", "iam:GetPolicy",
     "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
     "iam:ListRolePolicies", "iam:ListRoles"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AdministratorAccess",
        path: "/",
        description: "Everything, on everything.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": "*",
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonAthenaFullAccess",
        path: "/",
        description: "Everything in Athena, and the tables it reads.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": "athena:*",
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["glue:BatchCreatePartition", "glue:BatchDelete*", "glue:BatchGetPartition", "glue:Create*",
     "glue:Delete*", "glue:Get*", "glue:Update*"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
     "s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts", "s3:PutObject"],
   "Resource": "arn:aws:s3:::aws-athena-query-results-*"
  },
  {
   "Effect": "Allow",
   "Action": ["s3:GetBucketLocation", "s3:ListAllMyBuckets", "s3:ListBucket"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonEC2FullAccess",
        path: "/",
        description: "Everything in EC2.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["ec2:*", "elasticloadbalancing:*", "cloudwatch:*", "autoscaling:*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonEC2ReadOnlyAccess",
        path: "/",
        description: "Reads everything in EC2.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["ec2:Describe*", "ec2:Get*", "elasticloadbalancing:Describe*", "cloudwatch:Describe*",
     "cloudwatch:Get*", "cloudwatch:List*", "autoscaling:Describe*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonEventBridgeFullAccess",
        path: "/",
        description: "Everything in EventBridge.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["events:*", "schemas:*", "scheduler:*", "pipes:*"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": "iam:PassRole",
   "Resource": "arn:aws:iam::*:role/*",
   "Condition": {
    "StringLike": {
     "iam:PassedToService": ["events.amazonaws.com", "scheduler.amazonaws.com", "pipes.amazonaws.com"]
    }
   }
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonEventBridgeReadOnlyAccess",
        path: "/",
        description: "Reads everything in EventBridge.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["events:Describe*", "events:List*", "events:TestEventPattern", "schemas:Describe*",
     "schemas:Get*", "schemas:List*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonS3FullAccess",
        path: "/",
        description: "Everything in S3.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["s3:*", "s3-object-lambda:*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonS3ReadOnlyAccess",
        path: "/",
        description: "Reads everything in S3.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["s3:Describe*", "s3:Get*", "s3:List*", "s3-object-lambda:Get*", "s3-object-lambda:List*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonSNSFullAccess",
        path: "/",
        description: "Everything in SNS.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": "sns:*",
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonSNSReadOnlyAccess",
        path: "/",
        description: "Reads everything in SNS.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["sns:CheckIfPhoneNumberIsOptedOut", "sns:Get*", "sns:List*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonSQSFullAccess",
        path: "/",
        description: "Everything in SQS.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": "sqs:*",
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "AmazonSQSReadOnlyAccess",
        path: "/",
        description: "Reads what queues there are.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues",
     "sqs:ListQueues", "sqs:ListQueueTags"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchEventsServiceRolePolicy",
        path: "/aws-service-role/",
        description: "What the role of CloudWatch Events may.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["cloudwatch:DescribeAlarms", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
     "ec2:RebootInstances", "ec2:StopInstances", "ec2:TerminateInstances"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchFullAccess",
        path: "/",
        description: "Everything in CloudWatch and its logs.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["autoscaling:Describe*", "cloudwatch:*", "logs:*", "sns:*", "iam:GetPolicy",
     "iam:GetPolicyVersion", "iam:GetRole"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": "iam:CreateServiceLinkedRole",
   "Resource": "arn:aws:iam::*:role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents*",
   "Condition": {
    "StringLike": {
     "iam:AWSServiceName": "events.amazonaws.com"
    }
   }
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchLogsFullAccess",
        path: "/",
        description: "Everything in CloudWatch Logs.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["logs:*", "cloudwatch:GenerateQuery"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchLogsReadOnlyAccess",
        path: "/",
        description: "Reads everything in CloudWatch Logs.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:List*", "logs:StartQuery",
     "logs:StopQuery", "logs:TestMetricFilter"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchLogsServiceRolePolicy",
        path: "/aws-service-role/",
        description: "What the role of CloudWatch Logs may.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "CloudWatchReadOnlyAccess",
        path: "/",
        description: "Reads everything in CloudWatch and its logs.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["autoscaling:Describe*", "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*",
     "logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:List*", "logs:StartQuery",
     "logs:StopQuery", "logs:TestMetricFilter", "sns:Get*", "sns:List*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "IAMFullAccess",
        path: "/",
        description: "Everything in IAM.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization",
     "organizations:DescribeOrganizationalUnit", "organizations:DescribePolicy",
     "organizations:ListChildren", "organizations:ListParents", "organizations:ListPolicies",
     "organizations:ListRoots"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "IAMReadOnlyAccess",
        path: "/",
        description: "Reads everything in IAM.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*",
     "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "IAMUserChangePassword",
        path: "/",
        description: "Lets a user change the own password.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["iam:ChangePassword"],
   "Resource": "arn:aws:iam::*:user/${aws:username}"
  },
  {
   "Effect": "Allow",
   "Action": ["iam:GetAccountPasswordPolicy"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "PowerUserAccess",
        path: "/",
        description: "Everything but users, roles, policies and the organization.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "NotAction": ["iam:*", "organizations:*", "account:*"],
   "Resource": "*"
  },
  {
   "Effect": "Allow",
   "Action": ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles",
     "organizations:DescribeOrganization", "account:ListRegions"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "ReadOnlyAccess",
        path: "/",
        description: "Reads everything that is no secret, and changes nothing.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["access-analyzer:Get*", "access-analyzer:List*", "access-analyzer:Validate*", "acm:Describe*",
     "acm:Get*", "acm:List*", "athena:Batch*", "athena:Get*", "athena:List*", "autoscaling:Describe*",
     "autoscaling:Get*", "cloudformation:Describe*", "cloudformation:Detect*", "cloudformation:Estimate*",
     "cloudformation:Get*", "cloudformation:List*", "cloudfront:Describe*", "cloudfront:Get*",
     "cloudfront:List*", "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*",
     "cloudtrail:LookupEvents", "cloudtrail:SearchSampleQueries", "cloudwatch:Describe*", "cloudwatch:Get*",
     "cloudwatch:List*", "config:BatchGet*", "config:Describe*", "config:Get*", "config:List*",
     "config:SelectResourceConfig", "dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:Get*",
     "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan", "ec2:Describe*", "ec2:Get*", "ec2:List*",
     "ec2:SearchTransitGatewayRoutes", "ecr:BatchCheck*", "ecr:BatchGet*", "ecr:Describe*", "ecr:Get*",
     "ecr:List*", "ecs:Describe*", "ecs:List*", "eks:Describe*", "eks:List*",
     "elasticloadbalancing:Describe*", "events:Describe*", "events:List*", "events:TestEventPattern",
     "firehose:Describe*", "firehose:List*", "glue:BatchGet*", "glue:Get*", "glue:List*",
     "glue:SearchTables", "iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*", "kinesis:Describe*",
     "kinesis:Get*", "kinesis:List*", "kms:Describe*", "kms:Get*", "kms:List*", "lambda:Get*",
     "lambda:List*", "logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:List*", "logs:StartQuery",
     "logs:StopQuery", "logs:TestMetricFilter", "opentrail:Get*", "opentrail:List*", "opentrail:Lookup*",
     "opentrail:WhoAmI", "organizations:Describe*", "organizations:List*", "rds:Describe*", "rds:List*",
     "route53:Get*", "route53:List*", "route53:TestDNSAnswer", "s3:DescribeJob", "s3:Get*", "s3:List*",
     "secretsmanager:Describe*", "secretsmanager:GetResourcePolicy", "secretsmanager:List*",
     "sns:CheckIfPhoneNumberIsOptedOut", "sns:Get*", "sns:List*", "sqs:Get*", "sqs:List*",
     "sqs:ReceiveMessage", "ssm:Describe*", "ssm:Get*", "ssm:List*", "states:Describe*", "states:Get*",
     "states:List*", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "tag:Get*", "xray:BatchGet*",
     "xray:Get*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "SecurityAudit",
        path: "/",
        description: "Reads the configuration that a security audit needs.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["access-analyzer:Get*", "access-analyzer:List*", "access-analyzer:Validate*", "acm:Describe*",
     "acm:Get*", "acm:List*", "athena:GetWorkGroup", "athena:List*", "autoscaling:Describe*",
     "autoscaling:Get*", "cloudformation:Describe*", "cloudformation:Detect*", "cloudformation:Estimate*",
     "cloudformation:Get*", "cloudformation:List*", "cloudfront:Describe*", "cloudfront:Get*",
     "cloudfront:List*", "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*",
     "cloudtrail:LookupEvents", "cloudtrail:SearchSampleQueries", "cloudwatch:Describe*", "cloudwatch:Get*",
     "cloudwatch:List*", "config:BatchGet*", "config:Describe*", "config:Get*", "config:List*",
     "config:SelectResourceConfig", "dynamodb:Describe*", "dynamodb:List*", "ec2:Describe*", "ec2:Get*",
     "ec2:List*", "ec2:SearchTransitGatewayRoutes", "ecr:Describe*", "ecr:GetRepositoryPolicy", "ecr:List*",
     "ecs:Describe*", "ecs:List*", "eks:Describe*", "eks:List*", "elasticloadbalancing:Describe*",
     "events:Describe*", "events:List*", "events:TestEventPattern", "firehose:Describe*", "firehose:List*",
     "glue:BatchGet*", "glue:Get*", "glue:List*", "glue:SearchTables", "iam:Generate*", "iam:Get*",
     "iam:List*", "iam:Simulate*", "kinesis:Describe*", "kinesis:List*", "kms:Describe*", "kms:Get*",
     "kms:List*", "lambda:GetAccountSettings", "lambda:GetFunctionConfiguration", "lambda:GetPolicy",
     "lambda:List*", "logs:Describe*", "logs:List*", "opentrail:Get*", "opentrail:List*",
     "opentrail:Lookup*", "opentrail:WhoAmI", "organizations:Describe*", "organizations:List*",
     "rds:Describe*", "rds:List*", "route53:Get*", "route53:List*", "route53:TestDNSAnswer",
     "s3:GetAccelerateConfiguration", "s3:GetAccountPublicAccessBlock", "s3:GetBucket*",
     "s3:GetEncryptionConfiguration", "s3:GetInventoryConfiguration", "s3:GetLifecycleConfiguration",
     "s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:GetReplicationConfiguration", "s3:ListAllMyBuckets",
     "s3:ListBucket", "secretsmanager:Describe*", "secretsmanager:GetResourcePolicy", "secretsmanager:List*",
     "sns:CheckIfPhoneNumberIsOptedOut", "sns:Get*", "sns:List*", "sqs:GetQueueAttributes", "sqs:List*",
     "ssm:Describe*", "ssm:List*", "states:Describe*", "states:Get*", "states:List*", "sts:GetAccessKeyInfo",
     "sts:GetCallerIdentity", "tag:Get*", "xray:BatchGet*", "xray:Get*"],
   "Resource": "*"
  }
 ]
}"#,
    },
    ManagedPolicy {
        name: "ViewOnlyAccess",
        path: "/job-function/",
        description: "Sees what resources there are, not what is in them.",
        document: r#"{
 "Version": "2012-10-17",
 "Statement": [
  {
   "Effect": "Allow",
   "Action": ["access-analyzer:List*", "acm:Describe*", "acm:List*", "athena:List*", "autoscaling:Describe*",
     "cloudformation:Describe*", "cloudformation:List*", "cloudfront:Describe*", "cloudfront:List*",
     "cloudtrail:Describe*", "cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:List*",
     "cloudtrail:LookupEvents", "cloudwatch:Describe*", "cloudwatch:List*", "config:Describe*",
     "config:List*", "dynamodb:DescribeTable", "dynamodb:List*", "ec2:Describe*", "ec2:List*",
     "ecr:Describe*", "ecr:List*", "ecs:Describe*", "ecs:List*", "eks:Describe*", "eks:List*",
     "elasticloadbalancing:Describe*", "events:Describe*", "events:List*", "firehose:Describe*",
     "firehose:List*", "glue:List*", "iam:Get*", "iam:List*", "kinesis:Describe*", "kinesis:List*",
     "kms:ListAliases", "kms:ListKeys", "lambda:List*", "logs:Describe*", "opentrail:List*",
     "opentrail:Lookup*", "opentrail:WhoAmI", "organizations:Describe*", "organizations:List*",
     "rds:Describe*", "rds:List*", "route53:List*", "s3:GetBucketLocation", "s3:ListAllMyBuckets",
     "s3:ListBucket", "secretsmanager:Describe*", "secretsmanager:List*", "sns:List*",
     "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:List*", "ssm:Describe*", "ssm:List*",
     "states:Describe*", "states:List*", "sts:GetCallerIdentity"],
   "Resource": "*"
  }
 ]
}"#,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_one_that_iam_takes() {
        for policy in MANAGED {
            Policy::parse(policy.document.as_bytes(), &Kind::Identity)
                .unwrap_or_else(|e| panic!("{}: {e}", policy.name));
            assert!(policy.policy().is_some());
            assert_eq!(ManagedPolicy::find(&policy.arn()), Some(policy));
            assert_eq!(policy.unique_id().len(), 21);
        }
        let ids: std::collections::HashSet<_> = MANAGED.iter().map(ManagedPolicy::unique_id).collect();
        assert_eq!(ids.len(), MANAGED.len());
    }

    #[test]
    fn the_two_that_the_house_attaches_are_there() {
        assert!(ManagedPolicy::find(ADMINISTRATOR).is_some() && ManagedPolicy::find(READ_ONLY).is_some());
        assert_eq!(ManagedPolicy::find("arn:aws:iam::aws:policy/administratoraccess"), None);
        assert_eq!(ManagedPolicy::find("arn:aws:iam::111122223333:policy/AdministratorAccess"), None);
    }
}
