mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "one_principal" {
  command = plan
  variables {
    trusted_principal_arn = "arn:aws:iam::111122223333:role/aws-support-exporter"
    external_id           = "example"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.support.policy) == jsondecode(file("../../policies/member.json"))
    error_message = "The role allows something else than policies/member.json."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.AWS == "arn:aws:iam::111122223333:role/aws-support-exporter"
    error_message = "It trusts someone else."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals == { "sts:ExternalId" = "example" }
    error_message = "It does not ask for the external id alone."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[1].Action == "sts:TagSession"
    error_message = "It refuses the session tags of EKS Pod Identity."
  }
}

run "a_name_in_an_account" {
  command = plan
  variables {
    trusted_account_id  = "111122223333"
    organization_id     = "o-abcdefghij"
    read_communications = false
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[*].Principal.AWS == ["111122223333", "111122223333"]
    error_message = "It trusts another account."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.support.policy).Statement[0].Action == ["support:DescribeCases"]
    error_message = "It allows more than DescribeCases."
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition == {
      ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/aws-support-exporter" }
      StringEquals = { "aws:PrincipalOrgID" = "o-abcdefghij" }
    }
    error_message = "It does not ask for the role's name and the organization."
  }
}

run "an_organization_alone" {
  command = plan
  variables {
    organization_id = "o-abcdefghij"
  }
  expect_failures = [aws_iam_role.this]
}

run "nobody" {
  command         = plan
  expect_failures = [aws_iam_role.this]
}

run "no_organization" {
  command = plan
  variables {
    trusted_account_id = "111122223333"
    organization_id    = "r-abcd"
  }
  expect_failures = [var.organization_id]
}
