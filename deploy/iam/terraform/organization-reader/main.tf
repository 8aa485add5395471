# The role in which aws-support-exporter lists the accounts of an organization: in the management account or a delegated administrator.

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

resource "aws_iam_role" "this" {
  name        = var.role_name
  description = "Accounts are listed by aws-support-exporter"
  tags        = var.tags

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      merge(
        {
          Sid       = "AssumeRole"
          Effect    = "Allow"
          Principal = { AWS = var.trusted_principal_arn }
          Action    = "sts:AssumeRole"
        },
        var.external_id == null ? {} : { Condition = { StringEquals = { "sts:ExternalId" = var.external_id } } },
      ),
      # EKS Pod Identity tags its sessions, which are transitive. This alone allows nothing.
      {
        Sid       = "TagSession"
        Effect    = "Allow"
        Principal = { AWS = var.trusted_principal_arn }
        Action    = "sts:TagSession"
      },
    ]
  })
}

resource "aws_iam_role_policy" "organizations" {
  name = "organizations"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListAccounts"
        Effect   = "Allow"
        Action   = "organizations:ListAccounts"
        Resource = "*"
      },
      {
        Sid      = "ReadUnitsAndTags"
        Effect   = "Allow"
        Action   = ["organizations:DescribeOrganizationalUnit", "organizations:ListTagsForResource"]
        Resource = "*"
      },
    ]
  })
}
