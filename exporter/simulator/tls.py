"""A certificate for the simulator, made when it is needed."""

import subprocess
from pathlib import Path


def self_signed(folder: Path, host: str = "127.0.0.1") -> tuple[Path, Path]:
    """Write a certificate that signs itself and its key, in PEM, with the `openssl` program; return where they are.

    The certificate is good for a day, and is what a client has to trust.
    """
    certificate, key = folder / "simulator.crt", folder / "simulator.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=simulator", "-addext", f"subjectAltName=IP:{host}"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)  # noqa: S603 - as above
    return certificate, key
