variable "role_name" {
  description = "The role's name."
  type        = string
  default     = "aws-support-exporter"
}

variable "member_role_name" {
  description = "The exporter's aws.role_name, which it may assume in every account."
  type        = string
  default     = "AwsSupportExporter"
}

variable "discovery_role_name" {
  description = "The role in which the exporter lists the accounts of an organization."
  type        = string
  default     = "AwsSupportExporterDiscovery"
}

variable "only_own_organization" {
  description = "Whether the role may assume roles in its own organization only. False for accounts of several organizations, or of none."
  type        = bool
  default     = true
}

variable "cluster_arn" {
  description = "For EKS Pod Identity: the cluster in this account that the exporter runs in. It needs the add-on eks-pod-identity-agent."
  type        = string
  default     = null
}

variable "oidc_issuer" {
  description = "For IRSA: the issuer of the cluster. Its identity provider has to exist in IAM."
  type        = string
  default     = null
}

variable "audience" {
  description = "For IRSA: the audience of the service account's tokens, which the identity provider has to list."
  type        = string
  default     = "sts.amazonaws.com"
}

variable "namespace" {
  description = "The namespace that the exporter runs in."
  type        = string
  default     = "monitoring"
}

variable "service_account_name" {
  description = "The exporter's service account."
  type        = string
  default     = "aws-support-exporter"
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
