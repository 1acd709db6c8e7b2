"""An OpenID Connect provider of the scenarios' own: a key, the set that shows its public half, and signed tokens."""

import base64
import functools
import json
import time

# Comes with the aws CLI, which signs CloudFront's addresses with it.
import rsa


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def key(number=0):
    """One of a few keys; making one takes a while."""
    return rsa.newkeys(2048)[1]


def number(n):
    return coded(n.to_bytes((n.bit_length() + 7) // 8, "big"))


def jwk(kid, private):
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(private.n), "e": number(private.e)}


class Provider:
    """An issuer whose key set lies in a file."""

    def __init__(self, folder, issuer="https://token.example.com/realm", name="keys.json"):
        self.issuer, self.file = issuer, folder / name
        self.kid, self.private = "k0", key(0)
        self.publish()

    @property
    def name(self):
        return self.issuer.removeprefix("https://")

    @property
    def setting(self):
        return f"sts.issuers={self.issuer}={self.file}"

    def publish(self, *keys):
        """The keys that the file shows; its own, unless said otherwise."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"keys": list(keys) or [jwk(self.kid, self.private)]}))
        new.rename(self.file)

    def token(self, header=None, private=None, **claims):
        now = int(time.time())
        said = {"iss": self.issuer, "sub": "robot", "aud": "app", "iat": now, "exp": now + 600, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        head = header or {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        text = f"{coded(json.dumps(head).encode())}.{coded(json.dumps(said).encode())}"
        return f"{text}.{coded(rsa.sign(text.encode(), private or self.private, 'SHA-256'))}"
