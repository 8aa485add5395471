output "queue_url" {
  description = "For events.queue_url."
  value       = aws_sqs_queue.this.id
}

output "queue_arn" {
  description = "For sender and sender-stack-set."
  value       = aws_sqs_queue.this.arn
}
