mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/AwsSupportEventsSender" }
  }
}

variables {
  queue_arn = "arn:aws:sqs:us-east-1:999988887777:aws-support-events"
}

run "an_account" {
  assert {
    condition     = jsondecode(aws_iam_role_policy.send_events.policy).Statement == [{ Sid = "Send", Effect = "Allow", Action = "sqs:SendMessage", Resource = var.queue_arn }]
    error_message = "It may do something else than send."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this.event_pattern) == { source = ["aws.support"], "detail-type" = ["Support Case Update"] }
    error_message = "Other events are sent."
  }
  assert {
    condition     = aws_cloudwatch_event_target.this.role_arn == aws_iam_role.this.arn && aws_cloudwatch_event_target.this.arn == var.queue_arn
    error_message = "Events go elsewhere, or without the role."
  }
}
