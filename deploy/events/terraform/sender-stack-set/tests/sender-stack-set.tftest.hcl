mock_provider "aws" {}

run "an_organization" {
  command = plan
  variables {
    queue_arns              = ["arn:aws:sqs:us-east-1:999988887777:aws-support-events-0", "arn:aws:sqs:us-east-1:999988887777:aws-support-events-1"]
    organizational_unit_ids = ["r-abcd"]
  }
  assert {
    condition     = keys(aws_cloudformation_stack_set.this.parameters) == sort(keys(yamldecode(split("\nConditions:", aws_cloudformation_stack_set.this.template_body)[0]).Parameters))
    error_message = "The template has other parameters."
  }
  assert {
    condition     = aws_cloudformation_stack_set.this.parameters.QueueArns == "${var.queue_arns[0]},${var.queue_arns[1]}"
    error_message = "The template takes them with a comma between them."
  }
}
