# The queue of AWS's events about support cases, for aws-support-exporter to receive from. For us-east-1, in any account.

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

resource "aws_sqs_queue" "this" {
  name                      = var.queue_name
  message_retention_seconds = 900
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "SendersOfTheOrganization"
        Effect    = "Allow"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.this.arn
        Condition = {
          StringEquals = { "aws:PrincipalOrgID" = var.organization_id }
          ArnLike      = { "aws:PrincipalArn" = "arn:${data.aws_partition.current.partition}:iam::*:role/${var.sender_role_name}" }
        }
      }],
      var.exporter_role_arn == null ? [] : [{
        Sid       = "ReceiveEvents"
        Effect    = "Allow"
        Principal = { AWS = var.exporter_role_arn }
        Action    = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
        Resource  = aws_sqs_queue.this.arn
      }],
    )
  })
}
