set -a; . {{env}}; set +a
# {{TOKEN}}: {{token_description}}
curl -sS --fail-with-body {{cacert}}{{issuer}}oauth/token -H 'Content-Type: application/json' -d @- <<JSON
{
  "grant_type": "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
  "subject_token": "${{TOKEN}}",
  "subject_token_type": "{{token_type}}",
  "requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token",
  "connection": "{{connection}}",
  "client_id": "{{client_id}}",
  "client_secret": "${{SECRET}}"
}
JSON
