from exporter.metrics.encode import TextFormat
from exporter.web.recent import Recent


def test_what_was_encoded_a_moment_ago_is_used_again() -> None:
    now = 0.0
    encoded: list[TextFormat] = []

    def encode(text_format: TextFormat) -> bytes:
        encoded.append(text_format)
        return str(len(encoded)).encode()

    recent = Recent(encode, lambda: now)
    assert [recent(TextFormat.PROMETHEUS), recent(TextFormat.PROMETHEUS), recent(TextFormat.OPENMETRICS)] == [b"1", b"1", b"2"]
    now = 0.5
    assert recent(TextFormat.PROMETHEUS) == b"3"
    assert recent(TextFormat.OPENMETRICS) == b"4"
