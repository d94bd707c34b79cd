# GitHub's pipelines get short-lived credentials for two roles; nothing is stored with GitHub.

resource "aws_iam_openid_connect_provider" "github" {
  count = var.repository == null || var.github_provider_exists ? 0 : 1

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # Since July 2026 the subject carries the owner's and the repository's numbers, so that whoever takes over an
  # abandoned name does not get the role: https://docs.github.com/en/actions/reference/security/oidc
  repository = try("repo:${var.repository.owner}@${var.repository.owner_id}/${var.repository.name}@${var.repository.id}", null)

  subjects = local.repository == null ? {} : {
    plan  = ["${local.repository}:pull_request", "${local.repository}:ref:refs/heads/main"] # main: nightly drift detection
    apply = ["${local.repository}:environment:${var.environment}"]
  }

  # Anybody who can write to the repository can name an environment in a branch of their own; so the branch counts, too.
  claims = {
    plan  = {}
    apply = { "token.actions.githubusercontent.com:ref" = "refs/heads/${ { dev = "dev", prod = "main" }[var.environment]}" }
  }
}

resource "aws_iam_role" "github" {
  for_each = local.subjects

  name                 = "${local.name}-github-${each.key}"
  path                 = "/hello-birthday-delivery/" # the apply role may change roles of /hello-birthday/, not these
  max_session_duration = 7200                        # seconds

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::${var.account_id}:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = merge(local.claims[each.key], {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = each.value
        })
      }
    }]
  })

  depends_on = [aws_iam_openid_connect_provider.github]
}

# Plans read the state, but neither write nor lock it; deployments do both, and hold the lease.
resource "aws_iam_role_policy" "state" {
  for_each = aws_iam_role.github

  name = "state"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [aws_s3_bucket.state.arn]
      }, {
      Effect   = "Allow"
      Action   = each.key == "apply" ? ["s3:GetObject", "s3:PutObject"] : ["s3:GetObject"]
      Resource = ["${aws_s3_bucket.state.arn}/*.tfstate", "${aws_s3_bucket.state.arn}/deploy/releases.json"]
      }, {
      Effect   = "Allow"
      Action   = each.key == "apply" ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
      Resource = [aws_kms_key.state.arn]
      }], each.key == "apply" ? [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      Resource = ["${aws_s3_bucket.state.arn}/*.tflock", "${aws_s3_bucket.state.arn}/deploy/lock.json"]
    }] : [])
  })
}

# The addresses from before GitHub was optional.
moved {
  from = aws_iam_role_policy_attachment.read
  to   = aws_iam_role_policy_attachment.read["plan"]
}

moved {
  from = aws_iam_role_policy_attachment.read_to_apply
  to   = aws_iam_role_policy_attachment.read["apply"]
}

moved {
  from = aws_iam_role_policy.apply
  to   = aws_iam_role_policy.apply["apply"]
}
