# Ansible's connection through Systems Manager passes its modules through this bucket. Objects expire after a day.

resource "aws_s3_bucket" "transfers" {
  #checkov:skip=CKV_AWS_18:objects are used for minutes, and CloudTrail records who ran Ansible
  #checkov:skip=CKV_AWS_21:versions would keep what should be deleted
  #checkov:skip=CKV_AWS_144:nothing here is worth a second region
  #checkov:skip=CKV_AWS_145:instances read by presigned URLs, which support no customer key
  #checkov:skip=CKV2_AWS_62:nothing acts on new objects
  bucket        = "${var.name}-transfers-${local.account_id}"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "transfers" {
  bucket                  = aws_s3_bucket.transfers.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "transfers" {
  bucket = aws_s3_bucket.transfers.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "transfers" {
  bucket = aws_s3_bucket.transfers.id

  rule {
    id     = "expire"
    status = "Enabled"
    filter {}

    expiration {
      days = 1
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "transfers" {
  bucket = aws_s3_bucket.transfers.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyEncrypted"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.transfers.arn, "${aws_s3_bucket.transfers.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.transfers]
}
