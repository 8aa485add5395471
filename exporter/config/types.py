from exporter.config.durations import parse_duration, format_duration
