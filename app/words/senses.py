"""Sentences in which the word for an object says something else, and what agrees with it from afar."""

import re
from collections.abc import Mapping

# Object → phrases, in English, in which its word has another sense: an account one signs in to, to lead to a page.
MEANT_OTHERWISE: Mapping[str, tuple[str, ...]] = {
    "lead": ("leads to something", "leads to the right", "leads to the list", "leads to what", "people you lead", "nothing leads to", "pages lead", "it leads", "status leads", "button leads"),
    "account": (
        "your account at", "opened an account for you", "off your account", "not open an account", "sign-in to your account",
        "the account %(email)s",
    ),
    "contact": ("Contact us", "your contact at"),
    "case": ("any case", "in case", "that case", "in %(count)s case", "ignoring case", "ignore case", "upper case", "lower case"),
    "document": ("kind of document", "OpenAPI document"),
}  # fmt: skip

# Object → beginnings of texts that say it in other words in English, while their translations name it.
ALSO_MEANT: Mapping[str, tuple[str, ...]] = {
    "lead": ("Somebody has them and",),
    "account": ("A member is a principal,", "Take the contact without one:"),
    "contact": ("Report to them",),
    "campaign": ("It goes for good. One that leads,", "It is used. Leads: %(leads)s,"),
    "activity": ("%(num)s logged",),
    "partner": ("Only the vendor's people keep documents", "Open a company and make it one;"),
    "partner_user": ("They get a mail with a link to set a password",),
    "queue": ("A member is a principal,", "Its members"),
    "user": ("A member is a principal,",),
}

# Language → object → "phrase>the same with the other gender", where a pronoun or an adjective stands too far from the
# noun for `grammar` to see that it follows it.
_AFAR: Mapping[str, Mapping[str, str]] = {
    "es": {
        "lead": (
            "de quien lo tome>de quien la tome|Cada uno será>Cada una será|Acéptalo>Acéptala|Acepta cada uno>Acepta cada una"
            "|con él>con ella|ya lo ha tomado>ya la ha tomado|abrirlos ni cerrarlos>abrirlas ni cerrarlas"
            "|de uno que ya es suyo>de una que ya es suya|o ya no es tuyo>o ya no es tuya|con el que probarlo>con la que probarla"
            "|quién puede tomarlos>quién puede tomarlas|se avisa de él>se avisa de ella|lo acompañan>la acompañan"
            "|otros nuevos>otras nuevas|devuelve uno antes de tomar otro>devuelve una antes de tomar otra|devolver uno>devolver una"
            "|del que salió>de la que salió|Qué hace prometedor>Qué hace prometedora|considera cualificado>considera cualificada"
            "|asígnalo a otra>asígnala a otra|que alguien lo tome>que alguien la tome|antes en él>antes en ella"
            "|si los de cada>si las de cada|convierten los suyos>convierten las suyas|Alguien los tiene>Alguien las tiene"
        ),
        "account": (
            "entra completa>entra completo|sí misma>sí mismo|consigo misma>consigo mismo|desde la otra>desde el otro"
            "|habilítala>habilítalo|de la que es usuario>del que es usuario|Elige una.>Elige uno.|encima de esta>encima de este"
            "|Dale una antes>Dale uno antes|antes una que sea>antes uno que sea|cada una se crea una>cada uno se crea una"
            "|rellena sola>rellena solo|elige una.>elige uno.|conserva una.>conserva uno.|no hay ninguna.>no hay ninguno."
        ),
        "contact": (
            "es privado>es privada|no tiene ninguno. Muévelos o elimínalos>no tiene ninguna. Muévelas o elimínalas"
            "|y habilítalo>y habilítala|abajo a uno de>abajo a una de|Elige uno.>Elige una.|solo lo ven>solo la ven"
            "|administradores lo ven>administradores la ven|los lleva el proveedor: puedes leerlos>las lleva el proveedor: puedes leerlas"
        ),
        "case": "abrirlos ni cerrarlos>abrirlas ni cerrarlas|cuáles lo cierran>cuáles la cierran|estar abierto>estar abierta",
        "campaign": (
            "archívala>archívalo|Archívala>Archívalo|queda vacía>queda vacío|Créala>Créalo|ofrecerla>ofrecerlo"
            "|por la que llegaron>por el que llegaron|a la que se refieren>al que se refieren"
        ),
    },
    "ca": {
        "lead": (
            "els agafi primer>les agafi primer|obrir-los ni a tancar-los>obrir-les ni a tancar-les|Ja els heu vist tots>Ja les heu vist totes"
            "|d'un que ja és seu>d'una que ja és seva|o ja no és vostre>o ja no és vostra|Què fa prometedor>Què fa prometedora"
            "|els pot agafar>les pot agafar|n'agafa de nous>n'agafa de noves|del qual va sortir>de la qual va sortir"
            "|retorneu-ne un abans d'agafar-ne un altre>retorneu-ne una abans d'agafar-ne una altra|retornar un abans>retornar una abans"
            "|considera qualificat>considera qualificada|assigneu-lo a una>assigneu-la a una|si els de cada>si les de cada|converteixen els seus>converteixen les seves|Algú els té>Algú les té"
        ),
        "account": (
            "un d'empresa, sí>una d'empresa, sí|hi entra sencer>hi entra sencera|d'ell mateix>d'ella mateixa|si mateix>si mateixa"
            "|des de l'altre.>des de l'altra.|habiliteu-lo>habiliteu-la|del qual és usuari>de la qual és usuari|Trieu-ne un.>Trieu-ne una."
            "|per sobre d'aquest.>per sobre d'aquesta.|Doneu-n'hi un abans>Doneu-n'hi una abans|en un que sigui>en una que sigui"
            "|cadascun es crea>cadascuna es crea|s'omple sol>s'omple sola|trieu-ne un.>trieu-ne una.|conserveu-ne un.>conserveu-ne una."
        ),
        "contact": (
            "és privat>és privada|Moveu-los o elimineu-los>Moveu-les o elimineu-les|habiliteu-lo com>habiliteu-la com"
            "|Habiliteu un dels>Habiliteu una dels|Trieu-ne un.>Trieu-ne una.|el veuen el seu>la veuen el seu"
            "|administradors el veuen>administradors la veuen"
        ),
        "case": "obrir-los ni tancar-los>obrir-les ni tancar-les|quins el tanquen>quins la tanquen|ser obert>ser oberta",
        "campaign": (
            "arxiveu-la>arxiveu-lo|Arxiveu-la>Arxiveu-lo|queda buida>queda buit|Creeu-la>Creeu-lo|oferir-la>oferir-lo"
            "|per la qual>pel qual|a la qual>al qual"
        ),
        "queue": "que la miri>que el miri|alternativa>alternatiu",
    },
}  # fmt: skip

# Texts of the API's description that list names of objects as a program writes them.
MACHINE_NAMES = ("lead, account or contact", "Of lead, account, contact", "portal: user, manager")

# Language → what has a noun in it and means another thing: «en comptes de» is "instead of".
_IDIOMS = {
    "es": ("en cualquier caso", "en todo caso", "en ese caso", "en cuenta"),
    "ca": ("en comptes d", "en tot cas", "en compte"),
}
_HIDDEN = {
    chr(0xE000 + at): idiom
    for at, idiom in enumerate(
        written for all_ in _IDIOMS.values() for idiom in all_ for written in (idiom, idiom.capitalize())
    )
}


def idioms_hidden(text: str) -> str:
    """The text with a sign of no alphabet for each idiom."""
    for sign, idiom in _HIDDEN.items():
        text = re.sub(rf"\b{idiom}", sign, text)
    return text


def idioms_shown(text: str) -> str:
    for sign, idiom in _HIDDEN.items():
        text = text.replace(sign, idiom)
    return text


def afar(language: str, thing: str) -> list[tuple[str, str]]:
    """What agrees with an object from afar: as the catalogue has it, and with the other gender."""
    known = _AFAR.get(language, {}).get(thing, "")
    pairs = (pair.partition(">") for pair in known.split("|") if pair)
    return [(old, new) for old, _sign, new in pairs]


def corrected(language: str, thing: str, text: str) -> str:
    """A text about the object, whose gender is another now, with what agrees from afar."""
    for old, new in afar(language, thing):
        text = text.replace(old, new)
    return text
