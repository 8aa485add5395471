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
    cluster_arn = "arn:aws:eks:eu-west-1:111122223333:cluster/main"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.assume_roles.policy) == jsondecode(file("../../policies/exporter.json"))
    error_message = "The role allows something else than policies/exporter.json."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/eks-cluster-arn"] == var.cluster_arn
    error_message = "It trusts another cluster."
  }
  assert {
    condition     = aws_eks_pod_identity_association.this[*].cluster_name == ["main"]
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

run "another_partition_several_organizations" {
  command = plan
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }
  variables {
    oidc_issuer           = "https://s3.cn-north-1.amazonaws.com.cn/self-managed"
    audience              = "sts.amazonaws.com.cn"
    only_own_organization = false
    role_path             = "/monitoring/"
    permissions_boundary  = "arn:aws-cn:iam::111122223333:policy/boundary"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.assume_roles.policy).Statement == [{
      Sid      = "AssumeRolesOfAccounts"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole", "sts:TagSession"]
      Resource = ["arn:aws-cn:iam::*:role/AwsSupportExporter", "arn:aws-cn:iam::*:role/AwsSupportExporterDiscovery"]
    }]
    error_message = "The role may not assume the roles of this partition."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["s3.cn-north-1.amazonaws.com.cn/self-managed:aud"] == "sts.amazonaws.com.cn"
    error_message = "It asks for another audience."
  }
  assert {
    condition     = aws_iam_role.this.path == "/monitoring/" && aws_iam_role.this.permissions_boundary == var.permissions_boundary
    error_message = "It has another path or boundary."
  }
}

run "neither" {
  command         = plan
  expect_failures = [aws_iam_role.this]
}

run "both" {
  command = plan
  variables {
    cluster_arn = "arn:aws:eks:eu-west-1:111122223333:cluster/main"
    oidc_issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
  }
  expect_failures = [aws_iam_role.this]
}
