variable "queue_arn" {
  description = "The queue, as the module queue makes it."
  type        = string
}

variable "role_name" {
  description = "Whom the queue's policy allows to send."
  type        = string
  default     = "AwsSupportEventsSender"
}

variable "name" {
  description = "The StackSet's name."
  type        = string
  default     = "aws-support-events"
}

variable "organizational_unit_ids" {
  description = "The units whose accounts send; the root (r-...) for all of them."
  type        = list(string)
}

variable "call_as" {
  description = "SELF in the management account, DELEGATED_ADMIN in a delegated administrator of StackSets."
  type        = string
  default     = "SELF"
}
