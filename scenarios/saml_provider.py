"""A SAML provider of the scenarios' own. Its assertions are signed by a program that knows nothing of ours."""

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner, methods

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
AWS = "https://aws.amazon.com/SAML/Attributes/"
SIGN_IN = "https://signin.aws.amazon.com/saml"


def at(seconds=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Provider:
    def __init__(self, entity="https://idp.example.com/saml", elliptic=False):
        self.entity = entity
        self.key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=30))
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.algorithm = "ecdsa-sha256" if elliptic else "rsa-sha256"

    @property
    def metadata(self):
        lines = base64.encodebytes(self.certificate.public_bytes(serialization.Encoding.DER)).decode()
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- made for a scenario -->
<EntityDescriptor entityID="{self.entity}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
{lines}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>"""

    def sign(self, element):
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        signer = XMLSigner(
            method=methods.enveloped,
            signature_algorithm=self.algorithm,
            digest_algorithm="sha256",
            c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
        )
        cert = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return signer.sign(element, key=pem, cert=cert, reference_uri="#" + element.get("ID"), id_attribute="ID")

    def response(self, roles, name="ana@example.com", subject="ana", sign="assertion", audience=SIGN_IN, recipient=SIGN_IN, made=0, holds=300, ends=28800, **more):
        """A response in XML, signed. `more` are attributes of AWS's: texts or lists of texts."""
        attributes = {"Role": roles, "RoleSessionName": name, **more}
        shown = "".join(
            f'<saml:Attribute Name="{AWS}{key}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
            + "".join(f'<saml:AttributeValue xsi:type="xs:string">{v}</saml:AttributeValue>' for v in ([value] if isinstance(value, str) else value))
            + "</saml:Attribute>"
            for key, value in attributes.items()
            if value is not None
        )
        assertion = f"""<saml:Assertion xmlns:saml="{ASSERTION}" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion" Version="2.0" IssueInstant="{at(made)}">
  <saml:Issuer>{self.entity}</saml:Issuer>
  <saml:Subject>
    <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>
    <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <saml:SubjectConfirmationData NotOnOrAfter="{at(made + holds)}" Recipient="{recipient}"/>
    </saml:SubjectConfirmation>
  </saml:Subject>
  <saml:Conditions NotBefore="{at(made - 5)}" NotOnOrAfter="{at(made + holds)}">
    <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>
  </saml:Conditions>
  <saml:AuthnStatement AuthnInstant="{at(made)}" SessionNotOnOrAfter="{at(ends)}" SessionIndex="_s"/>
  <saml:AttributeStatement>{shown}<saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.1"><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
</saml:Assertion>"""
        assertion = etree.fromstring(assertion)
        if sign in ("assertion", "both"):
            assertion = self.sign(assertion)
        response = etree.fromstring(f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="{at(made)}" Destination="{recipient}">
  <saml:Issuer xmlns:saml="{ASSERTION}">{self.entity}</saml:Issuer>
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
</samlp:Response>""")
        response.append(assertion)
        if sign in ("response", "both"):
            response = self.sign(response)
        return etree.tostring(response).decode()

    def assertion(self, roles, **more):
        """The same as it is posted."""
        return posted(self.response(roles, **more))


def posted(xml):
    return base64.b64encode(xml.encode()).decode()
