mock_provider "aws" {
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:999988887777:aws-support-events" }
  }
}

variables {
  organization_id = "o-abcdefghij"
}

run "only_senders" {
  assert {
    condition     = [for each in jsondecode(aws_sqs_queue_policy.this.policy).Statement : each.Action] == ["sqs:SendMessage"]
    error_message = "It allows something else."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this.policy).Statement[0].Condition.StringEquals == { "aws:PrincipalOrgID" = "o-abcdefghij" }
    error_message = "Others may send."
  }
}

run "with_the_exporter" {
  variables {
    exporter_role_arn = "arn:aws:iam::111122223333:role/aws-support-exporter"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this.policy).Statement[1].Action == jsondecode(file("../../../iam/policies/events.json")).Statement[0].Action
    error_message = "The exporter may do something else than iam/policies/events.json says."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this.policy).Statement[1].Principal.AWS == var.exporter_role_arn
    error_message = "Someone else may receive."
  }
}
