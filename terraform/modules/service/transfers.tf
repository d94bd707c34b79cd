# Ansible's connection through Systems Manager hands its modules over in a bucket: nothing in it is older than a day.

resource "aws_s3_bucket" "transfers" {
  #checkov:skip=CKV_AWS_18:what is handed over lives for minutes, and CloudTrail tells who ran Ansible
  #checkov:skip=CKV_AWS_21:versions would keep what should be gone
  #checkov:skip=CKV_AWS_144:nothing here is worth a second region
  #checkov:skip=CKV_AWS_145:instances read by signed addresses, which know no customer key
  #checkov:skip=CKV2_AWS_62:nobody waits for objects
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
