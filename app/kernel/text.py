"""Text that people and programs send, made fit to store.  Forms, the API and imports all pass here.

What comes out can be stored in both databases and shown without harm: no NUL, no lone surrogate, no
control character, composed (NFC), no blanks around it.  Right-to-left marks stay, for names need them;
characters that switch the direction of what follows (embeddings, overrides, isolates) go.
"""

import re
import unicodedata

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid

_REFUSED = re.compile("[\x00\ud800-\udfff]")
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_DROPPED = re.compile(
    "[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\u206a-\u206f\ufeff\ufff9-\ufffb]"
)
# All that is blank, some of which NFC makes of other blanks, and the blank without width.
_BLANK_EDGES = " \t\n\u200b\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

LINE = 255
NOTE = 32_000


def clean_text(
    value: object, *, max_length: int = LINE, field: str = "", multiline: bool = False
) -> str | None:
    """The text as it is stored; None when nothing is left (an empty value is never "").

    max_length: in characters, after cleaning.  multiline: line breaks stay (as \\n) and tabs too; else
    they become blanks.  field: the key under which a complaint is filed.
    Raises Invalid: not text, NUL or lone surrogates, too long.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid({field: [_l("This must be text.")]})
    text = value
    if not (text.isascii() and text.isprintable()):
        if _REFUSED.search(text):
            raise Invalid({field: [_l("This text contains characters that cannot be stored.")]})
        text = _BREAKS.sub("\n", text)
        if not multiline:
            text = text.replace("\n", " ").replace("\t", " ")
        text = unicodedata.normalize("NFC", _DROPPED.sub("", text))
    text = text.strip(_BLANK_EDGES)
    if len(text) > max_length:
        raise Invalid(
            {
                field: [
                    _l(
                        "This is too long: %(length)s characters, at most %(limit)s.",
                        length=len(text),
                        limit=max_length,
                    )
                ]
            }
        )
    return text or None
