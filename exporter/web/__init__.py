"""The HTTP side: serves finished bytes."""
