"""What holds for every algorithm, place of the secret and form: only the signer's own text and key verify."""

import pickle
import subprocess
from dataclasses import replace
from itertools import product
from typing import get_args
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.counterparts import program
from truc.errors import MalformedError, SetupError
from truc.trust.keys import PemKey
from truc.trust.signing import DIGESTS, WEAK, Algorithm, Profile, sign, sign_bytes, text_to_sign, verify, verify_bytes

WHY = "a test of all"
SECRETS = ("hmac", "first", "last", "prefix", "suffix")
OUTPUTS = ("hex", "HEX", "base64")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
FIELDS = st.dictionaries(st.sampled_from("abcd"), st.text(st.characters(codec="utf-8")), min_size=1)
KEY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def profiles():
    for algorithm, place, output in product(get_args(Algorithm), SECRETS, OUTPUTS):
        if (place != "hmac") == (algorithm in DIGESTS and not algorithm.startswith("HMAC-")):
            weak = WHY if algorithm in WEAK else ""
            yield Profile(algorithm=algorithm, key_place=place, output=output, weak_because=weak)


PROFILES = tuple(profiles())
WITH_SECRET = tuple(one for one in PROFILES if one.algorithm in DIGESTS)
WITH_KEY_PAIR = tuple(one for one in PROFILES if one.algorithm not in DIGESTS)


def pair_of(profile):
    private = CURVE if profile.algorithm.startswith("ECDSA") else RSA
    return PemKey(private), private.public_key()


def test_no_combination_is_left_out():
    assert len(WITH_SECRET) == 4 * 3 + 4 * 4 * 3
    assert len(WITH_KEY_PAIR) == 7 * 3


@settings(max_examples=300)
@given(st.sampled_from(WITH_SECRET), FIELDS, KEY)
def test_what_is_signed_with_a_secret_verifies(profile, fields, key):
    signature = sign(profile, fields, key)
    text = text_to_sign(profile, fields, secret=key if profile.key_place != "hmac" else "")
    assert verify(profile, fields, key, signature)
    assert verify_bytes(profile, text, key, signature)
    assert sign_bytes(profile, text, key) == signature


@settings(max_examples=300)
@given(st.sampled_from(WITH_SECRET), FIELDS, KEY, st.data())
def test_a_changed_byte_does_not_verify(profile, fields, key, data):
    signature = sign(profile, fields, key)
    name = data.draw(st.sampled_from(sorted(fields)))
    other = data.draw(st.text(st.characters(codec="utf-8")).filter(lambda value: value != fields[name]))
    changed = fields | {name: other}
    same_text = text_to_sign(profile, changed, secret=key) == text_to_sign(profile, fields, secret=key)
    assert verify(profile, changed, key, signature) == same_text  # an & inside a value may write the same text


@settings(max_examples=300)
@given(st.sampled_from(WITH_SECRET), st.sampled_from(WITH_SECRET), FIELDS, KEY)
def test_another_profile_does_not_verify(one, other, fields, key):
    same = (one.algorithm, one.output) == (other.algorithm, other.output)
    if same and text_to_sign(one, fields, secret=key) == text_to_sign(other, fields, secret=key):
        return
    assert not verify(other, fields, key, sign(one, fields, key))


@pytest.mark.parametrize("profile", WITH_KEY_PAIR, ids=lambda one: f"{one.algorithm} {one.output}")
def test_a_key_pair_signs_and_only_its_public_key_text_algorithm_and_form_verify(profile):
    private, public = pair_of(profile)
    fields = {"a": "1", "b": "đồng"}
    signature = sign(profile, fields, private)
    assert verify(profile, fields, public, signature)
    assert verify_bytes(profile, "a=1&b=đồng".encode(), public, signature)
    for changed in (b"a=1&b=dong", "a=1&b=đồng ".encode(), b""):
        assert not verify_bytes(profile, changed, public, signature)
    stranger = ec.generate_private_key(ec.SECP256R1()) if profile.algorithm.startswith("ECDSA") else OTHER_RSA
    assert not verify(profile, fields, stranger.public_key(), signature)
    for other in WITH_KEY_PAIR:
        if other != profile and type(pair_of(other)[1]) is type(public):
            assert not verify(other, fields, public, signature), other
    for odd in ("", signature[:-1], f" {signature}", f"{signature}\n", "é", "\ud800", signature.swapcase()):
        assert not verify(profile, fields, public, odd)


OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("profile", WITH_KEY_PAIR, ids=lambda one: f"{one.algorithm} {one.output}")
def test_openssl_takes_what_we_sign(profile, tmp_path):
    openssl = program("openssl")
    private, public = pair_of(profile)
    raw = private.sign(b"a=1", profile.algorithm)
    files = {"key": public.public_bytes(*PEM), "text": b"a=1", "signature": raw}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if "PSS" in profile.algorithm else []
    digest = "-" + profile.algorithm.rpartition("-")[2].lower()
    command = [openssl, "dgst", digest, "-verify", "key", "-signature", "signature", *pss, "text"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout == b"Verified OK\n"
    assert verify(replace(profile, output="hex"), {"a": "1"}, public, raw.hex())


def test_a_salt_of_another_length_is_another_signature():
    raw = RSA.sign(b"a=1", padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())
    assert not verify(Profile(algorithm="RSA-PSS-SHA256"), {"a": "1"}, RSA.public_key(), raw.hex())


PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")), min_size=1
    )
)
def test_form_encoding_is_that_of_the_standard_library_and_can_be_read_back(fields):
    text = text_to_sign(Profile(encoding="form"), fields).decode()
    assert text == urlencode(sorted(fields.items()), quote_via=quote_plus)
    assert dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True)) == fields


@given(FIELDS)
def test_a_fixed_list_and_the_sorted_fields_write_the_same_text(fields):
    order = tuple(sorted(fields))
    for encoding, parts in product(("plain", "form"), ("name=value", "value")):
        sorted_ones = Profile(encoding=encoding, parts=parts, separator="|")
        assert text_to_sign(replace(sorted_ones, names=order), fields) == text_to_sign(sorted_ones, fields)


@pytest.mark.parametrize("algorithm", sorted(WEAK))
def test_weak_algorithms_are_refused_without_a_reason(algorithm):
    place = "suffix" if algorithm in ("MD5", "SHA-1") else "hmac"
    for why in ("", "  "):
        with pytest.raises(SetupError) as caught:
            Profile(algorithm=algorithm, key_place=place, weak_because=why)
        assert caught.value.reason == "weak_algorithm"
    assert Profile(algorithm=algorithm, key_place=place, weak_because=WHY).algorithm == algorithm


@pytest.mark.parametrize(
    "contradiction",
    [
        {"algorithm": "SHA-256"},
        {"algorithm": "HMAC-SHA256", "key_place": "last"},
        {"algorithm": "RSA-SHA256", "key_place": "first"},
        {"names": ("a", "b", "a")},
        {"names": ("a", "hash"), "apart": ("hash",)},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(contradiction):
    with pytest.raises(SetupError) as caught:
        Profile(**contradiction)
    assert caught.value.reason == "profile_malformed"


def test_a_short_key_is_refused_without_a_reason():
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (it is refused)
    for algorithm in ("RSA-SHA256", "RSA-PSS-SHA256"):
        signature = sign(Profile(algorithm=algorithm), {"a": "1"}, PemKey(short))
        with pytest.raises(SetupError) as caught:
            verify(Profile(algorithm=algorithm), {"a": "1"}, short.public_key(), signature)
        assert caught.value.reason == "weak_key"
        assert verify(Profile(algorithm=algorithm, weak_because=WHY), {"a": "1"}, short.public_key(), signature)
    narrow = ec.generate_private_key(ec.SECP192R1())
    signature = sign(Profile(algorithm="ECDSA-SHA256"), {"a": "1"}, PemKey(narrow))
    with pytest.raises(SetupError):
        verify(Profile(algorithm="ECDSA-SHA256"), {"a": "1"}, narrow.public_key(), signature)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RSA-SHA256", "a shared secret"),
        ("RSA-SHA256", CURVE.public_key()),
        ("ECDSA-SHA256", RSA.public_key()),
        ("HMAC-SHA256", RSA.public_key()),
        ("RSA-SHA256", ed25519.Ed25519PrivateKey.generate().public_key()),
    ],
)
def test_a_key_of_another_kind_is_refused(algorithm, key):
    with pytest.raises(SetupError) as caught:
        verify(Profile(algorithm=algorithm), {"a": "1"}, key, "00")
    assert caught.value.reason == "key_of_wrong_kind"


def test_a_private_key_of_another_kind_signs_nothing():
    for algorithm, key in (("HMAC-SHA256", RSA), ("ECDSA-SHA256", RSA), ("RSA-SHA256", CURVE)):
        with pytest.raises(SetupError):
            sign(Profile(algorithm=algorithm), {"a": "1"}, PemKey(key))


@pytest.mark.parametrize("place", ["first", "last", "prefix", "suffix"])
def test_bytes_without_the_secret_are_no_signed_text(place):
    profile = Profile(algorithm="SHA-256", key_place=place)
    for text, key in ((b"a=1", "secret"), (b"a=1", ""), (b"", "secret")):
        for call in (lambda t, k: sign_bytes(profile, t, k), lambda t, k: verify_bytes(profile, t, k, "00")):
            with pytest.raises(SetupError) as caught:
                call(text, key)
            assert caught.value.reason == "secret_not_in_text"


@pytest.mark.parametrize("value", [None, 1000, 1.5, True, b"1000", ["1"]])
@pytest.mark.parametrize(
    "profile", [Profile(), Profile(names=("a",)), Profile(encoding="form"), Profile(parts="value")]
)
def test_a_value_that_is_no_text_is_never_signed_as_python_prints_it(profile, value):
    with pytest.raises(MalformedError) as caught:
        sign(profile, {"a": value}, "k")
    assert caught.value.reason == "not_text"
    assert "'a'" in str(caught.value)


def test_text_that_is_not_unicode_is_named():
    for profile in (Profile(), Profile(names=("b", "a")), Profile(encoding="form")):
        with pytest.raises(MalformedError, match="'a'") as caught:
            sign(profile, {"a": "\ud800", "b": "1"}, "k")
        assert caught.value.reason == "not_unicode"
    with pytest.raises(MalformedError, match="ud800"):
        sign(Profile(), {"\ud800": "1"}, "k")


@pytest.mark.parametrize("profile", [Profile(), Profile(algorithm="SHA-256", key_place="suffix")])
def test_a_secret_that_is_not_unicode_is_a_fault_of_the_settings_and_is_not_shown(profile):
    with pytest.raises(SetupError) as caught:
        sign(profile, {"a": "1"}, "s3cret\ud800")
    assert caught.value.reason == "key_malformed"
    assert "s3cret" not in str(caught.value)


def test_no_field_is_no_message():
    for profile, fields in (
        (Profile(), {}),
        (Profile(apart=("sig",)), {"sig": "x"}),
        (Profile(empties="left_out"), {"a": ""}),
    ):
        with pytest.raises(MalformedError) as caught:
            verify(profile, fields, "k", "00")
        assert caught.value.reason == "field_missing"


def test_a_profile_can_be_kept_and_compared():
    profile = Profile(names=("a", "b"), output="base64")
    assert pickle.loads(pickle.dumps(profile)) == profile  # noqa: S301  (our own bytes)
    assert replace(profile, names=("b", "a")) != profile
    assert text_to_sign(replace(profile, names=("b", "a")), {"a": "1", "b": "2"}) == b"b=2&a=1"
