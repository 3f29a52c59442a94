"""XML signed by a key that never leaves its token: SoftHSM, in a process of its own since it is loaded once in one."""

import subprocess
import sys
from pathlib import Path

from cryptography import x509

from tests.counterparts import program
from tests.truc.trust.holders import NOW
from truc.trust.signers import Trust
from truc.trust.xml_signatures import Form, verify

SIGN = """
import sys
from pathlib import Path
from tests.truc.trust import softhsm
from tests.truc.trust.holders import NOW, Holder, holder
from truc.trust.keys import private_key
from truc.trust.xml_signatures import Form, sign
folder = Path(sys.argv[1])
hsm = softhsm.start(folder / "hsm")
for name, secret, algorithm in (("rsa", hsm.rsa, "RSA-SHA256"), ("ec", hsm.ec, "ECDSA-SHA256")):
    own = holder(name, secret=secret)
    key = private_key(hsm.reference(f"object={name}"), secret=softhsm.PIN)
    signed = sign(b"<a/>", Form(algorithm=algorithm), key=key, certificate=own.certificate, at=NOW)
    (folder / f"{name}.xml").write_bytes(signed)
    (folder / f"{name}.pem").write_text(own.certificate_pem)
"""


def test_a_key_in_a_token_signs_xml(tmp_path: Path) -> None:
    program("softhsm2-util")
    subprocess.run([sys.executable, "-c", SIGN, str(tmp_path)], check=True, timeout=60)
    for name, algorithm in (("rsa", "RSA-SHA256"), ("ec", "ECDSA-SHA256")):
        certificate = x509.load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes())
        found = verify(
            (tmp_path / f"{name}.xml").read_bytes(), Form(algorithm=algorithm),  # type: ignore[arg-type]  # one of its names
            Trust(signers=(certificate,)), now=NOW,
        )  # fmt: skip
        assert found.elements == {"": b"<a></a>"}
