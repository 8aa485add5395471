mock_provider "aws" {}

run "an_organization" {
  command = plan
  variables {
    queue_arn               = "arn:aws:sqs:us-east-1:999988887777:aws-support-events"
    organizational_unit_ids = ["r-abcd"]
  }
  assert {
    condition     = keys(aws_cloudformation_stack_set.this.parameters) == sort(keys(yamldecode(split("\nResources:", aws_cloudformation_stack_set.this.template_body)[0]).Parameters))
    error_message = "The template has other parameters."
  }
}
