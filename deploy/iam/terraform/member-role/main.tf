# The role in which aws-support-exporter reads the AWS Support cases of this account.

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_partition" "current" {}

locals {
  trusts_one  = var.trusted_principal_arn != null
  by_name     = "arn:${data.aws_partition.current.partition}:iam::${coalesce(var.trusted_account_id, "-")}:role/${var.trusted_role_name}"
  trusted_arn = local.trusts_one ? var.trusted_principal_arn : local.by_name
  principal   = { AWS = local.trusts_one ? var.trusted_principal_arn : var.trusted_account_id }

  in_organization  = var.organization_id == null ? {} : { "aws:PrincipalOrgID" = var.organization_id }
  with_external_id = var.external_id == null ? {} : { "sts:ExternalId" = var.external_id }

  to_assume = merge(local.in_organization, local.with_external_id)
}

resource "aws_iam_role" "this" {
  name        = var.role_name
  description = "Read by aws-support-exporter"
  tags        = var.tags

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AssumeRole"
        Effect    = "Allow"
        Principal = local.principal
        Action    = "sts:AssumeRole"
        Condition = merge(
          { ArnLike = { "aws:PrincipalArn" = local.trusted_arn } },
          length(local.to_assume) == 0 ? {} : { StringEquals = local.to_assume },
        )
      },
      # EKS Pod Identity tags its sessions, which are transitive. This alone allows nothing.
      {
        Sid       = "TagSession"
        Effect    = "Allow"
        Principal = local.principal
        Action    = "sts:TagSession"
        Condition = merge(
          { ArnLike = { "aws:PrincipalArn" = local.trusted_arn } },
          length(local.in_organization) == 0 ? {} : { StringEquals = local.in_organization },
        )
      },
    ]
  })

  lifecycle {
    precondition {
      condition     = local.trusts_one != (var.trusted_account_id != null)
      error_message = "Say who may assume the role, by trusted_principal_arn or trusted_account_id."
    }
  }
}

resource "aws_iam_role_policy" "support" {
  name = "support"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadSupportCases"
      Effect   = "Allow"
      Action   = concat(["support:DescribeCases"], var.read_communications ? ["support:DescribeCommunications"] : [])
      Resource = "*"
    }]
  })
}
