# pip install pyjwt[crypto] requests. Load {{env}} into the environment first{{python_ca}}.
import os, time, uuid, jwt, requests

env, now = os.environ, int(time.time())
def signed(typ, key_file, **claims):
    claims = {"iss": env["TOKEN_VAULT_CLIENT_ID"], "aud": env["TOKEN_VAULT_ISSUER"], "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60, **claims}
    return jwt.encode(claims, open(key_file).read(), algorithm="RS256", headers={"typ": typ})

token = requests.post(env["TOKEN_VAULT_ISSUER"] + "oauth/token", data={
    "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    "subject_token": signed("token-vault-req+jwt", env["TOKEN_VAULT_SUBJECT_KEY"], sub=env["USER_ID"], audit_context="Trying it"),
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
    "connection": env["TOKEN_VAULT_CONNECTION"],
    "client_id": env["TOKEN_VAULT_CLIENT_ID"],
    {{python_proof}}
}).json()
print(token.get("scope", token.get("error")), token.get("expires_in"))
