mock_provider "aws" {}

variables {
  organizational_unit_ids = ["r-abcd"]
}

run "an_account_of_an_organization" {
  command = plan
  variables {
    trusted_account_id = "111122223333"
    organization_id    = "o-abcdefghij"
  }
  assert {
    condition     = aws_cloudformation_stack_set.this.parameters["OrganizationId"] == "o-abcdefghij"
    error_message = "Another organization is trusted."
  }
  assert {
    condition     = keys(aws_cloudformation_stack_set.this.parameters) == sort(keys(yamldecode(split("\nRules:", aws_cloudformation_stack_set.this.template_body)[0]).Parameters))
    error_message = "The template has other parameters."
  }
}

run "nobody" {
  command         = plan
  expect_failures = [aws_cloudformation_stack_set.this]
}
