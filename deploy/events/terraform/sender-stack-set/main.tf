# What sends events in all accounts of an organization's units, and in those that join them: a service-managed StackSet.
# It skips the management account; use sender there.

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
  description      = "Sends an account's events about support cases to the queue of aws-support-exporter."
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = file("${path.module}/../../cloudformation/sender.yaml")

  parameters = {
    QueueArns = join(",", var.queue_arns)
    RoleName  = var.role_name
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
  }
}

# In the provider's region, which has to be us-east-1: the events are there, and one region is enough.
resource "aws_cloudformation_stack_set_instance" "this" {
  stack_set_name = aws_cloudformation_stack_set.this.name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_unit_ids
  }
}
