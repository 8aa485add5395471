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

variable "tags" {
  description = "Tags of the role and the rule."
  type        = map(string)
  default     = {}
}
