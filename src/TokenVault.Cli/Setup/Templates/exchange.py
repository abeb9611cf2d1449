# Load {{env}} into the environment first{{python_ca}}.
import json, os, urllib.error, urllib.parse, urllib.request

request = urllib.request.Request(os.environ["TOKEN_VAULT_ISSUER"] + "oauth/token", data=urllib.parse.urlencode({
    "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    "subject_token": os.environ["{{TOKEN}}"],
    "subject_token_type": "{{token_type}}",
    "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
    "connection": os.environ["TOKEN_VAULT_CONNECTION"],
    "client_id": os.environ["{{ID}}"],
    "client_secret": os.environ["{{SECRET}}"],
}).encode())
try:
    token = json.load(urllib.request.urlopen(request))
except urllib.error.HTTPError as refused:
    token = json.load(refused)
print(token.get("scope", token.get("error")), token.get("expires_in"))
