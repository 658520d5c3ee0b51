"""Telephone numbers that ring nowhere: ranges that regulators keep for films and books, in the notations people write.

Sources: NANPA 555-0100 to 555-0199; Ofcom's, ARCEP's, Bundesnetzagentur's and ACMA's numbers for drama.
"""

from zlib import crc32

_NORTH_AMERICA = (
    "({0}) 555-01{1:02}",
    "{0}-555-01{1:02}",
    "+1 {0} 555 01{1:02}",
    "{0}.555.01{1:02}",
    "1 {0} 555-01{1:02}",
)
_CANADA = ("403", "416", "514", "604", "613", "780", "902", "204", "306", "418")
_ELSEWHERE = {
    "GB": (("020 7946 0", "+44 20 7946 0"), ("0113 496 0", "+44 113 496 0"), ("0161 496 0", "+44 (0)161 496 0"), ("029 2018 0", "+44 29 2018 0")),
    "FR": (("01 99 00 1", "+33 1 99 00 1"), ("02 61 91 2", "+33 2 61 91 2"), ("04 65 71 3", "+33 (0)4 65 71 3"), ("05 36 49 4", "0033 5 36 49 4")),
    "DE": (("030 23125 ", "+49 30 23125 "), ("069 90009 ", "+49 (0)69 90009 "), ("040/66969-", "+49 40 66969 "), ("089 99998-", "0049 89 99998 ")),
    "AU": (("(02) 5550 1", "+61 2 5550 1"), ("(03) 7010 2", "+61 3 7010 2"), ("07 5550 3", "+61 (0)7 5550 3"), ("08 5550 4", "+61 8 5550 4")),
}  # fmt: skip


def phone_of(country: str, name: str) -> str:
    """The number of somebody, the same each time; in a country without such a range one of North America."""
    number = crc32(name.encode())
    ways = _ELSEWHERE.get(country)
    if ways is None:
        area = _CANADA[number // 100 % len(_CANADA)] if country == "CA" else _area(number // 100)
        return _NORTH_AMERICA[number // 5000 % len(_NORTH_AMERICA)].format(area, number % 100)
    notations = ways[number // 1000 % len(ways)]
    return f"{notations[number // 7000 % len(notations)]}{number % 1000:03}"


def _area(number: int) -> str:
    """One of some 770 areas of North America: so many that hardly two people of the demo share a number."""
    area = 201 + number % 779
    return str(area + 1 if area % 100 == 11 else area)  # 411 and its like are services
