# The member role in all accounts of an organization's units, and in those that join them: a service-managed StackSet.
# It skips the management account; use member-role there.

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

resource "aws_cloudformation_stack_set" "this" {
  name             = var.name
  description      = "The role in which aws-support-exporter reads the AWS Support cases of an account."
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  tags             = var.tags
  template_body    = file("${path.module}/../../cloudformation/member-role.yaml")

  parameters = {
    RoleName               = var.role_name
    RolePath               = var.role_path
    TrustedPrincipalArn    = var.trusted_principal_arn == null ? "" : var.trusted_principal_arn
    TrustedAccountId       = var.trusted_account_id == null ? "" : var.trusted_account_id
    OrganizationId         = var.organization_id == null ? "" : var.organization_id
    TrustedRoleName        = var.trusted_role_name
    ExternalId             = var.external_id == null ? "" : var.external_id
    ReadCommunications     = tostring(var.read_communications)
    PermissionsBoundaryArn = var.permissions_boundary == null ? "" : var.permissions_boundary
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  operation_preferences {
    failure_tolerance_percentage = 100
    max_concurrent_percentage    = 100
    region_concurrency_type      = "PARALLEL"
  }

  lifecycle {
    # AWS fills it in for service-managed StackSets; the provider would want to take it out again.
    ignore_changes = [administration_role_arn]

    precondition {
      condition     = (var.trusted_principal_arn == null) != (var.trusted_account_id == null)
      error_message = "Say who may assume the role, by trusted_principal_arn or trusted_account_id."
    }
  }
}

# A role is global: one region is enough.
resource "aws_cloudformation_stack_set_instance" "this" {
  stack_set_name = aws_cloudformation_stack_set.this.name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_unit_ids
  }
}
