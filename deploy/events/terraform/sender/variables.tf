variable "queue_arn" {
  description = "The queue, as the module queue makes it."
  type        = string
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
