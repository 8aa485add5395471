"""An exporter none of whose accounts can be read for want of credentials: it says so once, and is ready."""

from pathlib import Path

from tests.support.process import ExporterProcess

ACCOUNTS = [f"{number:012}" for number in range(1, 9)]


def test_it_is_ready_and_says_once_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    listed = ", ".join(f'{{id: "{account_id}"}}' for account_id in ACCOUNTS)
    path.write_text(f"aws: {{role_name: AwsSupportExporter}}\naccounts: [{listed}]\norganizations: [{{name: acme}}]\n")
    with ExporterProcess([f"--config.file={path}"]) as exporter:
        page = exporter.first_page()
        status = exporter.wait_for(lambda text: ">8 accounts</a></b>, retries " in text, path="/")
        line = exporter.wait_for_log(lambda line: "polling account failed" in line)
    assert len(page.values("aws_support_account_failure_info", reason="credentials")) == len(ACCOUNTS)
    assert status.count('<p class="alert bad">') == 1, "one line about accounts and organization"
    assert status.count("no credentials found") == 1
    assert "accounts=8" in line
    assert f'account_ids="{", ".join(ACCOUNTS[:5])}, ..."' in line
    assert exporter.stderr.count("polling account failed") == 1
