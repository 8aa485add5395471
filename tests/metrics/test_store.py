from exporter.metrics.exposition import Encoding, PageStore, TextFormat, encode_page

PACKED = Encoding(TextFormat.PROMETHEUS, gzip=True)
PLAIN = Encoding(TextFormat.PROMETHEUS, gzip=False)


def test_there_is_nothing_before_the_first_page() -> None:
    store = PageStore()
    assert store.get(PACKED) is None
    assert store.encode(PLAIN) is None


def test_every_page_is_there_compressed_in_both_formats_and_uncompressed_for_whoever_asks() -> None:
    store = PageStore()
    for number in (b"1", b"2"):
        store.publish(encode_page((), lambda text_format: text_format.name.encode() + number))  # noqa: B023 - called at once
        for text_format, end in ((TextFormat.PROMETHEUS, b""), (TextFormat.OPENMETRICS, b"# EOF\n")):
            assert store.get(Encoding(text_format, gzip=True)) is not None
            plain = Encoding(text_format, gzip=False)
            assert store.get(plain) is None
            assert store.encode(plain) == text_format.name.encode() + number + end
            assert store.get(plain) is not None
