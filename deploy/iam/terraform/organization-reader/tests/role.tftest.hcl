mock_provider "aws" {}

variables {
  trusted_principal_arn = "arn:aws:iam::111122223333:role/aws-support-exporter"
}

run "without_an_external_id" {
  command = plan
  assert {
    condition     = jsondecode(aws_iam_role_policy.organizations.policy) == jsondecode(file("../../policies/organization-reader.json"))
    error_message = "The role allows something else than policies/organization-reader.json."
  }
  assert {
    condition     = !can(jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition)
    error_message = "It asks for something."
  }
}

run "with_an_external_id" {
  command = plan
  variables {
    external_id = "example"
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals == { "sts:ExternalId" = "example" }
    error_message = "It does not ask for the external id."
  }
}
