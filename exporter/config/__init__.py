"""The configuration: one YAML file, strict, every problem with its line."""
