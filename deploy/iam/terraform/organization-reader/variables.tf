variable "role_name" {
  description = "As in role_arn of the exporter's organizations."
  type        = string
  default     = "AwsSupportExporterDiscovery"
}

variable "trusted_principal_arn" {
  description = "The exporter's own role. It has to exist before this one."
  type        = string
}

variable "external_id" {
  description = "As in external_id of the exporter's organizations. Where it is null, none is asked for."
  type        = string
  default     = null
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
