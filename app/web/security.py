"""What every answer says to the browser, and what Canal believes of a proxy in front.

The content policy allows the site's own files alone: no inline script or style, no eval, no frames.
"""

from typing import Final

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.settings import Settings

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Tabler's style sheet draws ticks and arrows from data addresses
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# Of a page that shows a file of the site in a frame.
FRAMING: Final = f"{POLICY}; frame-src 'self'"

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # One-time links carry their token in the path: no other site is told where one came from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
HSTS: Final = "max-age=31536000"
LARGEST_BODY: Final = 64 * 1024 * 1024  # an import of 50 MB and its form fit
LARGEST_FORM: Final = 2 * 1024 * 1024  # fields beside files, which are kept in memory


def init_security(app: Flask, settings: Settings) -> None:
    """Set the headers, the cookies' properties and the limits of a request's size."""
    # The prefix makes browsers refuse the cookie from a subdomain or without TLS.
    app.config.update(
        SESSION_COOKIE_NAME="__Host-canal" if settings.is_https else "canal",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=2000,
    )
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Werkzeug says to do it
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=0
        )

    def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "frame-ancestors 'none'" not in response.headers["Content-Security-Policy"]:
            _let_be_framed(response)
        if settings.is_https:
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        if request.endpoint != "static":
            _forbid_sharing(response, app.config["SESSION_COOKIE_NAME"])
        return response

    app.after_request(protect)


def _let_be_framed(response: Response) -> None:
    """Take back what would forbid frames altogether where the policy names the sites that may show one."""
    if response.headers.get("X-Frame-Options") == HEADERS["X-Frame-Options"]:
        del response.headers["X-Frame-Options"]


def _forbid_sharing(response: Response, session_cookie: str) -> None:
    """Keep answers that depend on who asks out of every cache.

    With a session or a token nothing is stored at all, so that after signing out the back button
    shows nothing.
    """
    response.vary.add("Cookie")
    response.vary.add("HX-Request")
    if request.cookies.get(session_cookie) or request.headers.get("Authorization"):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers.setdefault("Cache-Control", "private, no-cache")
