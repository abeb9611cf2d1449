# Needs openssl, to sign. Load {{env}} into the environment first{{python_ca}}.
import base64, json, os, subprocess, time, urllib.error, urllib.parse, urllib.request, uuid

env, now = os.environ, int(time.time())
def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def signed(typ, key_file, **claims):
    claims = {"iss": env["TOKEN_VAULT_CLIENT_ID"], "aud": env["TOKEN_VAULT_ISSUER"], "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60, **claims}
    text = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": typ}, claims))
    return text + "." + encoded(subprocess.run(["openssl", "dgst", "-sha256", "-sign", key_file, "-binary"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)

request = urllib.request.Request(env["TOKEN_VAULT_ISSUER"] + "oauth/token", data=urllib.parse.urlencode({
    "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    "subject_token": signed("token-vault-req+jwt", env["TOKEN_VAULT_SUBJECT_KEY"], sub=env["USER_ID"], audit_context="Trying it"),
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
    "connection": env["TOKEN_VAULT_CONNECTION"],
    "client_id": env["TOKEN_VAULT_CLIENT_ID"],
    {{python_proof}}
}).encode())
try:
    token = json.load(urllib.request.urlopen(request))
except urllib.error.HTTPError as refused:
    token = json.load(refused)
print(token.get("scope", token.get("error")), token.get("expires_in"))
