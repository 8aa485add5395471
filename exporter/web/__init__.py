"""The HTTP side: hands out finished bytes."""
