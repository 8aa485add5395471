variable "queue_name" {
  description = "The queue's name."
  type        = string
  default     = "aws-support-events"
}

variable "organization_id" {
  description = "The organization whose accounts may send."
  type        = string
  validation {
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An organization's id is o- and 10 to 32 letters and digits."
  }
}

variable "sender_role_name" {
  description = "The role in each account that sends, as sender makes it."
  type        = string
  default     = "AwsSupportEventsSender"
}

variable "exporter_role_arn" {
  description = "The exporter's own role, which may receive. It has to exist before. Where it is null, only policies of the queue's own account let anybody receive."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the queue."
  type        = map(string)
  default     = {}
}
