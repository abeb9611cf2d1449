set -a; . {{env}}; set +a
# USER_ID: for whom, as in auth0|…
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
sign() { # type claims key
  input="$(printf '{"alg":"RS256","typ":"%s"}' "$1" | b64).$(printf %s "$2" | b64)"
  printf '%s.%s' "$input" "$(printf %s "$input" | openssl dgst -sha256 -sign "$3" -binary | b64)"
}
claims() { # subject more
  printf '{"iss":"{{client_id}}","sub":"%s","aud":"{{issuer}}","jti":"%s",%s"iat":%d,"exp":%d}' "$1" "$(openssl rand -hex 16)" "$2" "$(date +%s)" "$(($(date +%s) + 60))"
}
SUBJECT=$(sign token-vault-req+jwt "$(claims "$USER_ID" '"audit_context":"Trying it",')" "$TOKEN_VAULT_SUBJECT_KEY")
{{authentication}}
curl -sS --fail-with-body {{cacert}}{{issuer}}oauth/token -H 'Content-Type: application/json' -d @- <<JSON
{
  "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
  "subject_token": "$SUBJECT",
  "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
  "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
  "connection": "{{connection}}",
  "client_id": "{{client_id}}",
  {{proof}}
}
JSON
