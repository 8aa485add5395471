variable "role_name" {
  description = "The exporter's aws.role_name."
  type        = string
  default     = "AwsSupportExporter"
}

variable "trusted_principal_arn" {
  description = "The exporter's own role. It has to exist before this one. Where it is null, any role of the organization named trusted_role_name may assume this one."
  type        = string
  default     = null
}

variable "organization_id" {
  description = "The organization that who assumes the role has to be in."
  type        = string
  default     = null
  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An organization's id is o- and 10 to 32 letters and digits."
  }
}

variable "trusted_role_name" {
  description = "The name of the exporter's own role, where trusted_principal_arn is null."
  type        = string
  default     = "aws-support-exporter"
}

variable "external_id" {
  description = "The exporter's aws.external_id. Where it is null, none is asked for."
  type        = string
  default     = null
}

variable "name" {
  description = "The StackSet's name."
  type        = string
  default     = "aws-support-exporter"
}

variable "organizational_unit_ids" {
  description = "The units whose accounts get the role; the root (r-...) for all of them."
  type        = list(string)
}

variable "call_as" {
  description = "SELF in the management account, DELEGATED_ADMIN in a delegated administrator of StackSets."
  type        = string
  default     = "SELF"
}
