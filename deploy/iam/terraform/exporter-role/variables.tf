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

variable "cluster_name" {
  description = "For EKS Pod Identity: the cluster that the exporter runs in. It needs the add-on eks-pod-identity-agent."
  type        = string
  default     = null
}

variable "oidc_issuer" {
  description = "For IRSA: the issuer of the cluster. Its identity provider has to exist in IAM."
  type        = string
  default     = null
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

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
