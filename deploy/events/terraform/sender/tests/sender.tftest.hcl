mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/AwsSupportEventsSender" }
  }
}

variables {
  queue_arns = ["arn:aws:sqs:us-east-1:999988887777:aws-support-events-0", "arn:aws:sqs:us-east-1:999988887777:aws-support-events-1"]
}

run "an_account" {
  assert {
    condition     = jsondecode(aws_iam_role_policy.send_events.policy).Statement == [{ Sid = "Send", Effect = "Allow", Action = "sqs:SendMessage", Resource = [for arn in var.queue_arns : arn] }]
    error_message = "It may do something else than send."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this.event_pattern) == { source = ["aws.support"], "detail-type" = ["Support Case Update"] }
    error_message = "Other events are sent."
  }
  assert {
    condition     = [for each in aws_cloudwatch_event_target.this : [each.arn, each.role_arn]] == [for arn in var.queue_arns : [arn, aws_iam_role.this.arn]]
    error_message = "Events go elsewhere, or without the role."
  }
}

run "more_queues_than_a_rule_has_targets" {
  command = plan
  variables {
    queue_arns = [for shard in range(6) : "arn:aws:sqs:us-east-1:999988887777:aws-support-events-${shard}"]
  }
  expect_failures = [var.queue_arns]
}
