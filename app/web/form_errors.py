"""What an operation complains about, shown at the fields of the form that was sent."""

from wtforms import Form

from app.kernel.errors import Invalid


def show_errors(form: Form, error: Invalid) -> None:
    """Put the complaints beside their fields; those about no field of the form go on top of it."""
    for name, messages in error.errors.items():
        if name in form:
            form[name].errors = [*form[name].errors, *messages]
        else:
            form.form_errors = [*form.form_errors, *messages]
