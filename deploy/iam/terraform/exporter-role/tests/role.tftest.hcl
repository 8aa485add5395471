mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

run "pod_identity" {
  command = plan
  variables {
    cluster_name = "main"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.assume_roles.policy) == jsondecode(file("../../policies/exporter.json"))
    error_message = "The role allows something else than policies/exporter.json."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/eks-cluster-name"] == "main"
    error_message = "It trusts another cluster."
  }
  assert {
    condition     = length(aws_eks_pod_identity_association.this) == 1
    error_message = "The service account is not associated with the role."
  }
}

run "service_account" {
  command = plan
  variables {
    oidc_issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0] == {
      Sid       = "ServiceAccount"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:aud" = "sts.amazonaws.com"
          "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub" = "system:serviceaccount:monitoring:aws-support-exporter"
        }
      }
    }
    error_message = "It trusts something else than the one service account."
  }
  assert {
    condition     = length(aws_eks_pod_identity_association.this) == 0
    error_message = "The service account is associated with the role, too."
  }
}

run "neither" {
  command         = plan
  expect_failures = [aws_iam_role.this]
}

run "both" {
  command = plan
  variables {
    cluster_name = "main"
    oidc_issuer  = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
  }
  expect_failures = [aws_iam_role.this]
}
