namespace TokenVault.Server.Http;

/// <summary>Headers that every answer carries (T-CF-12).</summary>
internal static class SecurityHeaders
{
    public static void UseSecurityHeaders(this IApplicationBuilder app) =>
        app.Use(static (context, next) =>
        {
            var headers = context.Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";

            // Unless an endpoint says otherwise: what sets a cookie or carries a code must be kept nowhere (T-UI-05).
            headers.CacheControl = "no-store";

            // A browser would hold every other local server, whatever its port, to HTTPS as well.
            if (context.Request.IsHttps && context.Request.Host.Host != "localhost")
            {
                headers.StrictTransportSecurity = "max-age=31536000";
            }

            return next(context);
        });
}
