"""AWS's names of resources and actions in permissions where its reference lacks them; nothing specific to us."""

PREFIXES = {"monitoring": "cloudwatch"}
GLOBAL = {"iam", "route53"}  # AWS answers these in us-east-1, whatever region an emulator's address suggests

# Operations that AWS authorises under another name:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
NAMES = {
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}

# What AWS's guides require, and the reference does not name.
ALSO = {
    "autoscaling:CreateAutoScalingGroup": ("ec2:RunInstances", "ec2:CreateTags"),  # with a launch template
    "autoscaling:UpdateAutoScalingGroup": ("ec2:RunInstances", "ec2:CreateTags"),
    "backup:CreateBackupVault": ("backup-storage:MountCapsule", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
                                 "kms:GenerateDataKey", "kms:RetireGrant"),
    "dynamodb:CreateTable": ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    # The caller who starts an Automation passes it its role: AWS Systems Manager User Guide, "Setting up Automation".
    "ssm:StartAutomationExecution": ("iam:PassRole",),
    # The plugin has signed its websocket since 1.2.688, and requests a data key where sessions are encrypted.
    "ssm:StartSession": ("kms:GenerateDataKey", "ssmmessages:OpenDataChannel"),
    "wafv2:PutLoggingConfiguration": ("logs:CreateLogDelivery", "logs:DescribeLogGroups",
                                      "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
}  # fmt: skip

# Parameters by which a request names a resource, where their names differ from those in its ARN.
PARAMETERS = {
    "AlarmName": ("AlarmName", "AlarmNames"),
    "BucketName": ("Bucket",),
    "Id": ("Id", "HostedZoneId", "HealthCheckId", "ResourceId"),
    "InstanceId": ("InstanceId", "InstanceIds", "Target"),
    "InstanceProfileNameWithPath": ("InstanceProfileName",),
    "KeyId": ("KeyId", "TargetKeyId", "KMSMasterKeyId"),
    "DocumentName": ("DocumentName", "Name"),
    "ObjectName": ("Key",),
    "PolicyNameWithPath": ("PolicyName",),
    "RoleNameWithPath": ("RoleName",),
    "TopicName": ("Name",),
}

# Parameters that say which of an action's resource types a request is about.
KIND = {"route53:ChangeTagsForResource": "ResourceType"}

NOT_OURS = {"managed-instance"}  # machines outside EC2, which requests name by the same parameter

# The service that a role is passed to, by a pattern of the action; no other actions pass roles here.
PASSED_TO = {
    "autoscaling:*": "ec2.amazonaws.com",
    "backup:*": "backup.amazonaws.com",
    "ec2:CreateFlowLogs": "vpc-flow-logs.amazonaws.com",
    "ec2:RunInstances": "ec2.amazonaws.com",
    "iam:*": "ec2.amazonaws.com",
    "ssm:*": "ssm.amazonaws.com",
}
