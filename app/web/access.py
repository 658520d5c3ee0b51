"""Every route says who may call it: `@needs(Permission.X)` or `@public`.  The application refuses to
start with one that does not (`check_routes`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, g
from flask_babel import lazy_gettext as _l

from app.kernel.actor import Actor, Permission
from app.kernel.errors import DomainError

View = TypeVar("View", bound=Callable[..., Any])


class SignInRequired(DomainError):
    """Nobody is signed in, or no longer.  Pages send to the sign-in form, the API answers 401."""

    status = 401
    slug = "unauthorized"
    message = _l("Sign in to go on.")


class SecondFactorNeeded(DomainError):
    """Signed in, but the role asks for a second factor that is not set up yet.  Pages lead there."""

    status = 403
    slug = "second-factor-needed"
    message = _l("Your role needs a second factor. Set it up to go on.")


def current_actor() -> Actor:
    """The person of this request.  Raises SignInRequired."""
    actor = cast("Actor | None", g.get("actor"))
    if actor is None:
        raise SignInRequired
    return actor


def needs(permission: Permission) -> Callable[[View], View]:
    """Let the route be called only by somebody whose role gives the permission (else 401, 403)."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            current_actor().require(permission)
            return view(*args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return cast("View", guarded)

    return mark


def public(view: View) -> View:
    """Let anybody call the route.  A comment beside it says why."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def access_of(app: Flask, endpoint: str) -> Permission | str | None:
    """What a route asks for: a permission, "public", or None where nobody said."""
    return getattr(app.view_functions[endpoint], "access", None)


def check_routes(app: Flask) -> None:
    """Raises RuntimeError naming the routes that do not say who may call them."""
    silent = [rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None]
    if silent:
        raise RuntimeError(f"routes without @needs or @public: {', '.join(sorted(set(silent)))}")
