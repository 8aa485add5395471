variable "role_name" {
  description = "The exporter's aws.role_name, without its path."
  type        = string
  default     = "AwsSupportExporter"
}

variable "trusted_principal_arn" {
  description = "The exporter's own role. It has to exist before this one."
  type        = string
  default     = null
}

variable "trusted_account_id" {
  description = "The account of the exporter's own role, which need not exist yet, and whose name is trusted_role_name. Instead of trusted_principal_arn."
  type        = string
  default     = null
  validation {
    condition     = var.trusted_account_id == null || can(regex("^[0-9]{12}$", var.trusted_account_id))
    error_message = "An account's id has 12 digits."
  }
}

variable "organization_id" {
  description = "Organization that the caller must also belong to."
  type        = string
  default     = null
  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An organization's id is o- and 10 to 32 letters and digits."
  }
}

variable "trusted_role_name" {
  description = "The name of the exporter's own role in trusted_account_id, after its path if it has one."
  type        = string
  default     = "aws-support-exporter"
}

variable "external_id" {
  description = "The exporter's aws.external_id. Where it is null, none is asked for."
  type        = string
  default     = null
}

variable "read_communications" {
  description = "Whether the role allows support:DescribeCommunications, for first responses of cases with more than five communications."
  type        = bool
  default     = true
}

variable "role_path" {
  description = "The role's path."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "ARN of the role's permissions boundary, if it needs one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
