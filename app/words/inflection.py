"""How the words around a noun follow it: articles, adjectives and participles in Spanish and Catalan, "a" and "an" in English.

Only what the application's own sentences hold is here.  Everything works on lower case; whoever calls keeps capitals.
"""

import re
from collections.abc import Mapping

from app.words.nouns import Gender

# Masculine and feminine of what stands before or after a noun.
_PAIRS = {
    "es": (
        "el la|los las|un una|unos unas|este esta|estos estas|ese esa|esos esas|aquel aquella|aquellos aquellas|nuevo nueva|nuevos nuevas"
        "|ningún ninguna|ningunos ningunas|algún alguna|algunos algunas|todo toda|todos todas|otro otra|otros otras|mismo misma"
        "|mismos mismas|cuántos cuántas|muchos muchas|pocos pocas|primer primera|primeros primeras|último última|últimos últimas"
        "|varios varias|nuestro nuestra|nuestros nuestras|cuyo cuya|cuyos cuyas|demasiados demasiadas|propio propia|propios propias"
        "|ambos ambas|juntos juntas|único única|únicos únicas|tantos tantas|solo sola|dicho dicha|abierto abierta|abiertos abiertas"
        "|hecho hecha|hechos hechas|visto vista|vistos vistas|puesto puesta|puestos puestas|interno interna|internos internas|tuyo tuya"
        "|tuyos tuyas|suyo suya|suyos suyas|mío mía|míos mías|nuestro nuestra|listo lista|listos listas|previo previa|previos previas"
        "|parecido parecida|privado privada|ajeno ajena|ajenos ajenas|viejo vieja|viejos viejas|duplicado duplicada"
    ),
    "ca": (
        "el la|els les|un una|uns unes|aquest aquesta|aquests aquestes|nou nova|nous noves|tot tota|tots totes|algun alguna"
        "|alguns algunes|altre altra|mateix mateixa|mateixos mateixes|primer primera|primers primeres|darrer darrera|darrers darreres"
        "|últim última|últims últimes|seu seva|seus seves|vostre vostra|teu teva|teus teves|meu meva|meus meves|nostre nostra"
        "|molts moltes|pocs poques|diversos diverses|propi pròpia|propis pròpies|sol sola|quin quina|quins quines|quants quantes|dos dues"
        "|obert oberta|oberts obertes|intern interna|interns internes|únic única|únics úniques|junts juntes|tancat tancada|privat privada"
        "|fet feta|fets fetes|vist vista|vistos vistes|ofert oferta|oferts ofertes|posat posada|llest llesta|vell vella|vells velles"
        "|aquell aquella|aquells aquelles|ambdós ambdues|duplicat duplicada"
    ),
}
_TO = {
    language: {
        Gender.FEMININE: dict(pair.split() for pair in pairs.split("|")),
        Gender.MASCULINE: {f: m for m, f in (pair.split() for pair in pairs.split("|"))},
    }
    for language, pairs in _PAIRS.items()
}
# Participles, by their endings; tried after a noun only.
_ENDINGS: Mapping[str, Mapping[Gender, tuple[tuple[str, str], ...]]] = {
    "es": {
        Gender.FEMININE: (("ado", "ada"), ("ados", "adas"), ("ido", "ida"), ("idos", "idas"), ("ído", "ída"), ("ídos", "ídas")),
        Gender.MASCULINE: (("ada", "ado"), ("adas", "ados"), ("ida", "ido"), ("idas", "idos"), ("ída", "ído"), ("ídas", "ídos")),
    },
    "ca": {
        Gender.FEMININE: (("at", "ada"), ("ats", "ades"), ("it", "ida"), ("its", "ides"), ("ut", "uda"), ("uts", "udes")),
        Gender.MASCULINE: (("ada", "at"), ("ades", "ats"), ("ida", "it"), ("ides", "its"), ("uda", "ut"), ("udes", "uts")),
    },
}  # fmt: skip
# Stand among the words before a noun and change nothing.
_PASSED = {
    "es": frozenset(["más", "menos", "cada", "tu", "tus", "su", "sus", "mi", "mis", "ningún", "dos", "tres"]),
    "ca": frozenset(["més", "menys", "cada", "cap", "altres", "vostres", "nostres", "mig"]),
}
# Between a noun and what is said of it: «el lead ya está abierto».
_LINKS = {
    "es": frozenset(["ya", "no", "aún", "también", "se", "está", "están", "estaba", "estaban", "es", "son", "era", "eran", "fue", "fueron", "ha", "han", "sido", "queda", "quedan", "será", "serán"]),
    "ca": frozenset(["ja", "no", "encara", "també", "es", "està", "estan", "estava", "estaven", "és", "són", "era", "eren", "ha", "han", "estat", "queda", "queden", "serà", "seran", "va", "ser"]),
}  # fmt: skip
_SAID = {
    "es": frozenset(
        [
            "está",
            "están",
            "estaba",
            "estaban",
            "es",
            "son",
            "era",
            "eran",
            "fue",
            "fueron",
            "sido",
            "queda",
            "quedan",
            "será",
            "serán",
        ]
    ),
    "ca": frozenset(
        [
            "està",
            "estan",
            "estava",
            "estaven",
            "és",
            "són",
            "era",
            "eren",
            "estat",
            "queda",
            "queden",
            "serà",
            "seran",
            "ser",
        ]
    ),
}
_VOWEL = re.compile(r"h?[aeiouàáèéíòóúïü]", re.IGNORECASE)
_GLIDE = re.compile(r"h?[iu][aeiouàáèéíòóú]", re.IGNORECASE)
_EN_VOWEL = re.compile(r"(?!uni|use|eu|ur[aei]|one\b|once)[aeiou]|hour|honest|heir|hono", re.IGNORECASE)


def before(language: str, word: str, gender: Gender) -> str | None:
    """A word that stands before a noun of that gender; None for one that does not belong to the noun."""
    if word in _PASSED[language]:
        return _TO[language][gender].get(word, word)
    return _TO[language][gender].get(word)


def after(language: str, word: str, gender: Gender) -> str | None:
    """A word that stands after a noun of that gender, or is said of it; None for one that does not agree."""
    known = _TO[language][gender].get(word)
    if known is not None and word not in _ARTICLES[language]:
        return known
    for ending, other in _ENDINGS[language][gender]:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + other
    return None


_ARTICLES = {
    "es": frozenset(["el", "la", "los", "las", "un", "una", "unos", "unas"]),
    "ca": frozenset(["el", "la", "els", "les", "un", "una", "uns", "unes"]),
}


def determines(language: str, word: str) -> bool:
    """Whether it begins what belongs to a noun."""
    return word in _ARTICLES[language] or word.startswith(("est", "es", "aquest"))


def links(language: str, word: str) -> bool:
    return word in _LINKS[language]


def says(language: str, word: str) -> bool:
    """Whether what follows is said of the subject."""
    return word in _SAID[language]


def an(word: str) -> str:
    """The English article before a word."""
    return "an" if _EN_VOWEL.match(word) else "a"


def elides(word: str, gender: Gender | None) -> bool:
    """Whether Catalan «el», «la» and «de» lose their vowel before a word.  gender: of the article; None for «de»."""
    if not _VOWEL.match(word) or _GLIDE.match(word):
        return False
    if gender is not Gender.FEMININE or not re.match("h?[iu]", word, re.IGNORECASE):
        return True
    # «la idea» but «l'illa»: feminine words keep it before an unstressed i or u.
    first = re.split(r"[\s-]", word.lower())[0]
    vowels = len(re.findall(r"[aàeèéoòóuú][iu]|[aàeèéiíoòóuúïü]", first))
    if re.search("[àáèéíòóú]", first):
        return first.removeprefix("h")[:1] in "íú"
    return vowels == 1 or (vowels == 2 and re.search(r"([aeiou]s?|[ei]n)$", first) is not None)


def joined(language: str, text: str) -> str:
    """Prepositions and articles as one writes them: «de el» is «del».  For Catalan elision comes first."""
    pairs = {"es": (("de el", "del"), ("a el", "al")), "ca": (("de els", "dels"), ("a els", "als"), ("per els", "pels"),
             ("de el", "del"), ("a el", "al"), ("per el", "pel"))}[language]  # fmt: skip
    for apart, together in pairs:
        for old, new in ((apart, together), (apart.capitalize(), together.capitalize())):
            text = re.sub(rf"\b{old}(?= )", new, text)
    return text
