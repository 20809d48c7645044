# SPDX-License-Identifier: Apache-2.0
"""Requests that AWS refuses, and with what: the class that boto3 makes of the code (None: a plain
ClientError) and the HTTP status. The shape of the answer is held against the model by the Watch."""

import json

import botocore.exceptions

NOBODY = "arn:aws:sns:us-east-1:000000000000:nobody"


def refusals(aws, bucket):
    """(call, arguments, code, class or None, HTTP status)"""
    s3, sns, rekognition, transcribe = aws.s3, aws.sns, aws.rekognition, aws.transcribe
    mediaconvert, dynamodb, events = aws.mediaconvert, aws.dynamodb, aws.events
    image = {"S3Object": {"Bucket": bucket, "Name": "none.jpg"}}
    key = {"fileName": {"S": "k"}}
    table = {"TableName": "rekognition-thumbs"}
    text = {"S3Object": {"Bucket": bucket, "Name": "TranscribeJob.json"}}
    job = {"TranscriptionJobName": "TranscribeJob", "LanguageCode": "en-US",
           "Media": {"MediaFileUri": f"s3://{bucket}/mp4/"}, "OutputBucketName": bucket}
    role = aws.role_arn("vod-MediaConvertRole")
    return [
        (s3.get_object, {"Bucket": bucket, "Key": "none"}, "NoSuchKey",
         s3.exceptions.NoSuchKey, 404),
        (s3.head_object, {"Bucket": bucket, "Key": "none"}, "404", None, 404),
        (s3.list_objects_v2, {"Bucket": f"{bucket}-none"}, "NoSuchBucket",
         s3.exceptions.NoSuchBucket, 404),
        (s3.delete_bucket, {"Bucket": bucket}, "BucketNotEmpty", None, 409),
        (s3.get_bucket_cors, {"Bucket": bucket}, "NoSuchCORSConfiguration", None, 404),
        (s3.get_bucket_lifecycle_configuration, {"Bucket": bucket},
         "NoSuchLifecycleConfiguration", None, 404),
        (s3.abort_multipart_upload, {"Bucket": bucket, "Key": "k", "UploadId": "none"},
         "NoSuchUpload", s3.exceptions.NoSuchUpload, 404),
        (s3.get_object, {"Bucket": bucket, "Key": "TranscribeJob.json", "Range": "bytes=9999999-"},
         "InvalidRange", None, 416),
        (s3.get_object, {"Bucket": bucket, "Key": "TranscribeJob.json", "IfMatch": '"0"'},
         "PreconditionFailed", None, 412),
        (s3.get_object, {"Bucket": "forbidden-bucket", "Key": "k"}, "AccessDenied", None, 403),
        (sns.publish, {"TopicArn": NOBODY, "Message": "m"}, "NotFound",
         sns.exceptions.NotFoundException, 404),
        (sns.confirm_subscription, {"TopicArn": NOBODY, "Token": "t"}, "InvalidParameter",
         sns.exceptions.InvalidParameterException, 400),
        (sns.create_topic, {"Name": "a b"}, "InvalidParameter",
         sns.exceptions.InvalidParameterException, 400),
        (sns.set_topic_attributes, {"TopicArn": NOBODY, "AttributeName": "DisplayName",
                                    "AttributeValue": "n"}, "NotFound",
         sns.exceptions.NotFoundException, 404),
        (events.describe_rule, {"Name": "nobody"}, "ResourceNotFoundException",
         events.exceptions.ResourceNotFoundException, 400),
        (events.put_rule, {"Name": "r", "EventPattern": "{"}, "InvalidEventPatternException",
         events.exceptions.InvalidEventPatternException, 400),
        (dynamodb.create_table, {
            **table, "KeySchema": [{"AttributeName": "fileName", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "fileName", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST"}, "ResourceInUseException",
         dynamodb.exceptions.ResourceInUseException, 400),
        (dynamodb.get_item, {"TableName": "nobody", "Key": key}, "ResourceNotFoundException",
         dynamodb.exceptions.ResourceNotFoundException, 400),
        (dynamodb.get_item, {**table, "Key": {"other": {"S": "k"}}}, "ValidationException", None,
         400),
        (dynamodb.put_item, {**table, "Item": key,
                             "ConditionExpression": "attribute_exists(fileName)"},
         "ConditionalCheckFailedException", dynamodb.exceptions.ConditionalCheckFailedException,
         400),
        (dynamodb.put_item, {**table, "Item": {**key, "big": {"S": "x" * 410_000}}},
         "ValidationException", None, 400),
        (mediaconvert.get_job, {"Id": "1234567890123-abcdef"}, "NotFoundException",
         mediaconvert.exceptions.NotFoundException, 404),
        (mediaconvert.create_job, {"Role": role, "Settings": {}}, "BadRequestException",
         mediaconvert.exceptions.BadRequestException, 400),
        (mediaconvert.get_queue, {"Name": "nobody"}, "NotFoundException",
         mediaconvert.exceptions.NotFoundException, 404),
        (rekognition.recognize_celebrities, {"Image": image}, "InvalidS3ObjectException",
         rekognition.exceptions.InvalidS3ObjectException, 400),
        (rekognition.recognize_celebrities, {"Image": text}, "InvalidImageFormatException",
         rekognition.exceptions.InvalidImageFormatException, 400),
        (rekognition.detect_labels, {"Image": image}, "InvalidS3ObjectException",
         rekognition.exceptions.InvalidS3ObjectException, 400),
        (rekognition.start_label_detection, {"Video": image}, "InvalidS3ObjectException",
         rekognition.exceptions.InvalidS3ObjectException, 400),
        (rekognition.get_label_detection, {"JobId": "0" * 64}, "ResourceNotFoundException",
         rekognition.exceptions.ResourceNotFoundException, 400),
        (transcribe.get_transcription_job, {"TranscriptionJobName": "nobody"},
         "BadRequestException", transcribe.exceptions.BadRequestException, 400),
        (transcribe.start_transcription_job, job, "ConflictException",
         transcribe.exceptions.ConflictException, 400),
        (transcribe.start_transcription_job,
         {name: value for name, value in job.items() if name != "LanguageCode"},
         "BadRequestException", transcribe.exceptions.BadRequestException, 400),
        *refusals_of_iam(aws), *refusals_of_sqs(aws),
    ]


def refusals_of_iam(aws):
    iam, trust = aws.iam, {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole"}]}
    return [
        (iam.get_role, {"RoleName": "nobody"}, "NoSuchEntity",
         iam.exceptions.NoSuchEntityException, 404),
        (iam.create_role, {"RoleName": "RekognitionRole",
                           "AssumeRolePolicyDocument": json.dumps(trust)}, "EntityAlreadyExists",
         iam.exceptions.EntityAlreadyExistsException, 409),
        (iam.create_role, {"RoleName": "r", "AssumeRolePolicyDocument": "{"},
         "MalformedPolicyDocument", iam.exceptions.MalformedPolicyDocumentException, 400),
        (iam.delete_role, {"RoleName": "LambdaMediaAILabRole"}, "DeleteConflict",
         iam.exceptions.DeleteConflictException, 409),
    ]


def refusals_of_sqs(aws):
    sqs = aws.sqs
    nobody = "AWS.SimpleQueueService.NonExistentQueue"  # by the query protocol, and compatibly
    return [
        (sqs.get_queue_url, {"QueueName": "nobody"}, nobody,
         sqs.exceptions.QueueDoesNotExist, 400),
        (sqs.create_queue, {"QueueName": "a b"}, "InvalidParameterValue", None, 400),
    ]


def provoke(aws, bucket):
    for call, arguments, code, kind, status in refusals(aws, bucket):
        try:
            call(**arguments)
        except botocore.exceptions.ClientError as error:
            answer = error.response
            told = f"{call.__name__} {arguments}: {answer}"[:1500]
            assert answer["Error"]["Code"] == code, told
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, told
            assert isinstance(error, kind or botocore.exceptions.ClientError), told
        else:
            raise AssertionError(f"{call.__name__} {arguments} was not refused"[:1500])
