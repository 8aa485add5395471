# The own role of aws-support-exporter, which its pod gets by EKS Pod Identity or by its service account (IRSA).

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  issuer    = var.oidc_issuer == null ? "" : trimprefix(var.oidc_issuer, "https://")

  pod_identity = {
    Sid       = "PodIdentity"
    Effect    = "Allow"
    Principal = { Service = "pods.eks.amazonaws.com" }
    Action    = ["sts:AssumeRole", "sts:TagSession"]
    Condition = {
      StringEquals = {
        "aws:SourceAccount"                         = local.account
        "aws:RequestTag/eks-cluster-arn"            = var.cluster_arn
        "aws:RequestTag/kubernetes-namespace"       = var.namespace
        "aws:RequestTag/kubernetes-service-account" = var.service_account_name
      }
    }
  }
  service_account = {
    Sid       = "ServiceAccount"
    Effect    = "Allow"
    Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}" }
    Action    = "sts:AssumeRoleWithWebIdentity"
    Condition = {
      StringEquals = {
        "${local.issuer}:aud" = var.audience
        "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account_name}"
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name        = var.role_name
  description = "Of the pod of aws-support-exporter"
  tags        = var.tags

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    # As texts, since the two are objects of different types.
    Statement = [jsondecode(var.cluster_arn != null ? jsonencode(local.pod_identity) : jsonencode(local.service_account))]
  })

  lifecycle {
    precondition {
      condition     = (var.cluster_arn == null) != (var.oidc_issuer == null)
      error_message = "Give cluster_arn for EKS Pod Identity, or oidc_issuer for IRSA."
    }
  }
}

resource "aws_iam_role_policy" "assume_roles" {
  name = "assume-roles"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Sid    = "AssumeRolesOfAccounts"
        Effect = "Allow"
        Action = [
          "sts:AssumeRole",
          "sts:TagSession",
        ]
        Resource = [
          "arn:${local.partition}:iam::*:role/${var.member_role_name}",
          "arn:${local.partition}:iam::*:role/${var.discovery_role_name}",
        ]
      },
      var.only_own_organization ? { Condition = { StringEquals = { "aws:ResourceOrgID" = "$${aws:PrincipalOrgID}" } } } : {},
    )]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  count           = var.cluster_arn == null ? 0 : 1
  cluster_name    = split("/", var.cluster_arn)[1]
  namespace       = var.namespace
  service_account = var.service_account_name
  role_arn        = aws_iam_role.this.arn
}
