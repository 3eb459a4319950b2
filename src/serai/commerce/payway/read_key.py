"""RSA keys and certificates as people paste them, brought into the one form that each provider's library reads. Pure."""

import base64
import binascii
import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

LEAST_BITS = 2048
MOST_LENGTH = 16_000
MARK = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]+)-----")


def _read_der(text: str) -> bytes:
    """The bytes of a PEM block, or of its bare base64: portals hand out both."""
    if len(text) > MOST_LENGTH:
        raise ValueError("too long for a key")
    try:
        return base64.b64decode("".join(MARK.sub("", text).split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def read_private_key(text: str) -> RSAPrivateKey:
    """A private RSA key, PKCS #1 or #8. ValueError when it is none, or shorter than 2048 bits."""
    try:
        key = load_der_private_key(_read_der(text), password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a private key without a password") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


def read_public_key(text: str) -> RSAPublicKey:
    """A public RSA key, from a key or from a certificate. ValueError when it is none, or shorter than 2048 bits."""
    content = _read_der(text)
    try:
        key: object = (
            x509.load_der_x509_certificate(content).public_key()
            if "CERTIFICATE" in text
            else load_der_public_key(content)
        )
    except UnsupportedAlgorithm as error:
        raise ValueError("not a public key") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


def write_pkcs1(key: RSAPrivateKey) -> str:
    """PEM that begins with RSA PRIVATE KEY."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def write_pkcs8(key: RSAPrivateKey) -> str:
    """PEM that begins with PRIVATE KEY."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def write_public(key: RSAPublicKey) -> str:
    """PEM that begins with PUBLIC KEY."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
