variable "queue_arns" {
  description = "The queue, or the queue of each shard, as the module queue makes it."
  type        = list(string)
  validation {
    condition     = length(var.queue_arns) >= 1 && length(var.queue_arns) <= 5
    error_message = "A rule has one to five targets."
  }
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
