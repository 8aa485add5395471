# Sends an account's events about support cases to the exporter's queue. For us-east-1 of one account, such as the management account;
# sender-stack-set is for all others.

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
  description = "Of the rule that sends events about support cases to the queue of aws-support-exporter"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventBridge"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "send_events" {
  name = "send-events"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Send"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = var.queue_arns
    }]
  })
}

resource "aws_cloudwatch_event_rule" "this" {
  name        = "aws-support-events"
  description = "Events about support cases, for aws-support-exporter"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.support"]
    "detail-type" = ["Support Case Update"]
  })
}

resource "aws_cloudwatch_event_target" "this" {
  count = length(var.queue_arns)

  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "queue-${count.index}"
  arn       = var.queue_arns[count.index]
  role_arn  = aws_iam_role.this.arn
}
