# pip install auth0-python. Load {{env}} into the environment first{{python_ca}}.
import os
from auth0.authentication import GetToken

token = GetToken(
    os.environ["TOKEN_VAULT_DOMAIN"], os.environ["{{ID}}"], client_secret=os.environ["{{SECRET}}"]
).access_token_for_connection(
    subject_token_type="{{token_type}}",
    subject_token=os.environ["{{TOKEN}}"],
    requested_token_type="http://auth0.com/oauth/token-type/federated-connection-access-token",
    connection=os.environ["TOKEN_VAULT_CONNECTION"],
)
print(token["scope"], token["expires_in"])
