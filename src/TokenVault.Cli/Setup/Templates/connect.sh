set -a; . {{env}}; set +a
# REFRESH_TOKEN: of a user who signed in with the scopes openid offline_access
ACCESS_TOKEN=$(curl -sS --fail-with-body {{cacert}}{{issuer}}oauth/token -H 'Content-Type: application/json' -d @- <<JSON | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p'
{
  "grant_type": "refresh_token",
  "refresh_token": "$REFRESH_TOKEN",
  "audience": "{{issuer}}me/",
  "scope": "create:me:connected_accounts read:me:connected_accounts delete:me:connected_accounts",
  "client_id": "{{client_id}}",
  "client_secret": "$TOKEN_VAULT_CLIENT_SECRET"
}
JSON
)
# The user's accounts. To connect one: POST {{issuer}}me/v1/connected-accounts/connect with connection, redirect_uri and state.
printf 'Authorization: Bearer %s\n' "$ACCESS_TOKEN" | curl -sS --fail-with-body {{cacert}}{{issuer}}me/v1/connected-accounts/accounts -H @-
