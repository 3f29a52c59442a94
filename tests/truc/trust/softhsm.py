"""A SoftHSM token for tests, in a folder of its own: the real PKCS#11 library, as an HSM's vendor would deliver one."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import counterparts

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, OFFICERS_PIN, TOKEN = "13579", "97531", "HUB"
# Run in a process of its own: the one that tests logs in by the code under test.
MAKE = f"""
import sys, pkcs11
library, label, may_sign, bits = sys.argv[1:]
token = pkcs11.lib(library).get_token(token_label="{TOKEN}")
with token.open(rw=True, user_pin="{PIN}") as session:
    for old in list(session.get_objects({{pkcs11.Attribute.LABEL: label}})):
        old.destroy()
    may = {{pkcs11.Attribute.SIGN: may_sign == "signs"}}
    session.generate_keypair(pkcs11.KeyType.RSA, int(bits), store=True, label=label, private_template=may)
"""


@dataclass(frozen=True)
class Hsm:
    """A token with an RSA key `rsa` (id 01), an EC key `ec` (id 02), two named `twin`, and `unsigning`."""

    library: str
    rsa: rsa.RSAPrivateKey
    ec: ec.EllipticCurvePrivateKey

    def reference(self, what: str) -> str:
        """Return a reference to what is named, such as `object=rsa`."""
        return f"pkcs11:token={TOKEN};{what}?module-path={self.library}"


def start(folder: Path) -> Hsm:
    """Make the token and its keys. Skips the test on a machine without SoftHSM."""
    program = str(counterparts.program("softhsm2-util"))
    library = next((one for one in LIBRARIES if Path(one).is_file()), "")
    if not library:
        pytest.skip("no libsofthsm2.so here: apt-get install softhsm2")
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    _run(program, "--init-token", "--free", "--label", TOKEN, "--so-pin", OFFICERS_PIN, "--pin", PIN)
    made = Hsm(library, rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()))
    for number, (label, key) in enumerate(
        (("rsa", made.rsa), ("ec", made.ec), ("twin", made.ec), ("twin", made.rsa)), 1
    ):
        file = folder / f"{number}.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _run(program, "--import", str(file), "--token", TOKEN, "--label", label, "--id", f"{number:02}", "--pin", PIN)
    _run(sys.executable, "-c", MAKE, library, "unsigning", "signs nothing", "2048")
    pkcs11.lib(library).reinitialize()  # another test may have loaded it with another folder
    return made


def make_key(hsm: Hsm, label: str, bits: int = 2048) -> None:
    """Make an RSA key of that label in the token, in place of one that is there."""
    _run(sys.executable, "-c", MAKE, hsm.library, label, "signs", str(bits))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)
