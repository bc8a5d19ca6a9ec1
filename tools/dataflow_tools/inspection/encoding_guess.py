"""The encoding of text that is not Unicode: the one in which its letters make up one language.

An encoding of one byte a letter reads any text; only the letters say which is right. Where several
are as likely and read the text differently, a person has to say which.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.sources.errors import SourceDataError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

_CHUNK = 1 << 20
_LARGEST_LOOK = 16 << 20
_LATIN = {
    "German": "äöüß",
    "French": "éèêëàâçùûüîïôœæ",
    "Spanish": "ñáéíóúü",
    "Portuguese": "ãõáâàçéêíóôúü",
    "Italian": "àèéìòùî",
    "Nordic": "æøåäöéü",
}
_ICELANDIC = {"Icelandic": "áðéíóúýþæö"}
_CENTRAL = {
    "Polish": "ąćęłńóśźż",
    "Czech or Slovak": "áčďéěíňóřšťúůýžäľĺôŕ",
    "Hungarian": "áéíóöőúüű",
    "Croatian or Slovenian": "čćđšž",
    "Romanian": "ăâîșțşţ",
    "German": "äöüß",
}
_CYRILLIC = {"Cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґўјљњћџђ"}
_GREEK = {"Greek": "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"}
_TURKISH = {"Turkish": "çğıİöşüâî"}
_BALTIC = {"Baltic": "āčēģīķļņšūžąęėįųõäöü"}
_HEBREW = {"Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת"}
_ARABIC = {"Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئةى"}
_VIETNAMESE = {"Vietnamese": "ăâđêôơưàảãáạèéìíòóùúý"}
# In each group the one that is usual first.
_ENCODINGS: tuple[tuple[str, dict[str, str]], ...] = (
    ("cp1252", _LATIN),
    ("cp1250", _CENTRAL),
    ("iso8859-2", _CENTRAL),
    ("cp1251", _CYRILLIC),
    ("koi8-u", _CYRILLIC),
    ("iso8859-5", _CYRILLIC),
    ("cp866", _CYRILLIC),
    ("cp1253", _GREEK),
    ("cp1254", _TURKISH),
    ("cp1252", _ICELANDIC),
    ("iso8859-15", _LATIN),
    ("cp1257", _BALTIC),
    ("cp1255", _HEBREW),
    ("cp1256", _ARABIC),
    ("cp850", _LATIN),
    ("cp852", _CENTRAL),
    ("mac_roman", _LATIN),
)
_EAST_ASIAN = ("cp932", "gb18030", "cp949", "big5", "euc_jp")
# Signs that texts in any language have.
_SIGNS = frozenset("€£¥¢§°²³¹µ·–—‘’“”„‚…™©®«»½¼¾×÷±¡¿ºª•‰†\u00a0№")  # noqa: RUF001
# Signs of amounts, which stand beside digits, not within words.
_OF_AMOUNTS = frozenset("€£¥¢¼½¾±×÷¬¦¨¸´¹³")  # noqa: RUF001
_NEARLY_ALL = 0.98
_SAMPLE = 40
# Signs that were one sign before stand together: none of them is ASCII.
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]{2,}")


@dataclass(frozen=True)
class EncodingGuess:
    """The most likely encoding of a text.

    Args:
        encoding: Its name.
        language: Whose letters it gives.
        sample: A line as it reads with it.
        rivals: Encodings that are as likely and read the text differently, each with that line.
    """

    encoding: str
    language: str
    sample: str = ""
    rivals: tuple[tuple[str, str], ...] = ()


def is_utf8(path: Path) -> bool:
    """Whether a whole file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            return False
        stream.seek(0)
        zeros = False
        try:
            while chunk := stream.read(_CHUNK):
                zeros = zeros or b"\0" in chunk
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    # ASCII in UTF-16 is UTF-8 too, every other sign of which is a zero.
    return not zeros


def encoded_twice(path: Path) -> str:
    """A word of a UTF-8 file that was made of UTF-8 once more, as it is; empty if there is none."""
    with path.open("rb") as stream:
        text = stream.read(_CHUNK).decode("utf-8", errors="ignore")
    for match in _BEYOND_ASCII.finditer(text):
        try:
            match[0].encode("cp1252").decode("utf-8")
        except UnicodeError:
            continue
        return _word_around(text, match)
    return ""


def _word_around(text: str, match: re.Match[str]) -> str:
    """What stands around a match up to the next blanks, but no more than can be shown."""
    before = text[max(0, match.start() - _SAMPLE // 2) : match.start()]
    after = text[match.end() : match.end() + _SAMPLE // 2]
    *_, begun = re.split(r"\s", before)
    ended, *_ = re.split(r"\s", after)
    return f"{begun}{match[0]}{ended}"


def guess_encoding(file: LocalFile) -> EncodingGuess:
    """The most likely encoding of a file that is not UTF-8.

    Raises:
        SourceDataError: It is UTF-8 but for a few bytes, which nothing reads rightly.
    """
    with file.path.open("rb") as stream:
        data = stream.read(_LARGEST_LOOK)
    _refuse_mixed(data, file)
    lines = [line for line in data.splitlines() if not line.isascii()]
    data = b"\n".join(lines)
    scored = []
    for rank, (encoding, languages) in enumerate(_ENCODINGS):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        score, language = max(
            ((_share(text, alphabet), name) for name, alphabet in _by_width(languages)),
            key=lambda pair: pair[0],
        )
        scored.append((score, -rank, encoding, language, text))
    scored.sort(reverse=True)
    asian = _east_asian(data)
    if asian is not None and (not scored or scored[0][0] < _NEARLY_ALL):
        return asian
    if not scored:
        return EncodingGuess("latin-1", "nothing else reads it")
    best, _, encoding, language, text = scored[0]
    sample = _sample(text)
    rivals = [
        (other, _sample(read))
        for score, _, other, _, read in scored[1:]
        if score >= best - 0.02 and read != text
    ]
    distinct = {read: name for name, read in reversed(rivals)}
    listed = tuple((name, read) for read, name in distinct.items())[:3]
    return EncodingGuess(encoding, language, sample, listed)


def _by_width(languages: dict[str, str]) -> list[tuple[str, str]]:
    """Languages, those with fewer letters first: they say more."""
    return sorted(languages.items(), key=lambda pair: len(pair[1]))


def _share(text: str, alphabet: str) -> float:
    """Which part of the letters beyond ASCII belong to a language, and stand as letters do."""
    letters = set(alphabet) | {sign.upper() for sign in alphabet} - {"SS"}
    good = total = 0
    for match in re.finditer(r"[^\x00-\x7f]", text):
        sign, at = match[0], match.start()
        total += 1
        before = text[at - 1] if at else " "
        after = text[at + 1] if at + 1 < len(text) else " "
        if sign in letters:
            good += _fits(sign, before, after)
        elif sign in _OF_AMOUNTS:
            good += not before.isalpha() and not after.isalpha()
        elif sign in _SIGNS:
            good += not (before.isalpha() and after.isalpha()) or sign in "\u2019·\u00a0"
    return good / total if total else 0.0


def _fits(sign: str, before: str, after: str) -> bool:
    """Whether a letter may stand between two signs."""
    if not unicodedata.name(sign, "").startswith("LATIN"):
        # No word is in two scripts.
        if any(other.isascii() and other.isalpha() for other in (before, after)):
            return False
    elif sign == "õ" and after != "e":
        return False
    # A capital stands at the beginning of a word, or among capitals.
    return not (before.islower() and sign.isupper()) and not (sign.islower() and after.isupper())


def _sample(text: str) -> str:
    line = next((line for line in text.splitlines() if not line.isascii()), "")
    at = next((i for i, sign in enumerate(line) if ord(sign) > 127), 0)
    return line[max(0, at - _SAMPLE // 2) : at + _SAMPLE // 2]


def _refuse_mixed(data: bytes, file: LocalFile) -> None:
    """Refuse text that is UTF-8 with a few wrong bytes: every other encoding spoils the rest."""
    text = data.decode("utf-8", errors="surrogateescape")
    wrong = [i for i, sign in enumerate(text) if "\udc80" <= sign <= "\udcff"]
    right = sum(1 for sign in text if ord(sign) > 127 and not "\udc80" <= sign <= "\udcff")
    if wrong and right > 2 * len(wrong):
        line = text.count("\n", 0, wrong[0]) + 1
        raise SourceDataError(
            f"{file.shown}, line {line:,}: {len(wrong):,} bytes are not UTF-8, as the rest is.",
            "Correct them, or set `ingestion.source.encoding` if the whole file is in another one.",
        )


def _east_asian(data: bytes) -> EncodingGuess | None:
    """The encoding of text in Japanese, Chinese or Korean, if it is one."""
    scores = []
    for encoding in _EAST_ASIAN:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        signs = [sign for sign in text if ord(sign) > 127]
        kinds = [_script(sign) for sign in signs]
        wide = sum(kind in ("kana", "hangul", "han", "full") for kind in kinds)
        if not signs or wide < _NEARLY_ALL * len(signs):
            continue
        kana = kinds.count("kana") / len(signs)
        common = _common(text, encoding, "han")
        language, weight = {
            "cp932": ("Japanese", common + kana),
            "euc_jp": ("Japanese", common + kana),
            "cp949": ("Korean", 1.05 * _common(text, encoding, "hangul")),
            "gb18030": ("Chinese", 0.5 * common if kana else common),
            "big5": ("Chinese", common),
        }[encoding]
        scores.append((weight, encoding, language, text))
    if not scores:
        return None
    scores.sort(reverse=True)
    weight, encoding, language, text = scores[0]
    if weight < 0.5:
        return None
    rivals = tuple(
        (other, _sample(read))
        for score, other, _, read in scores[1:]
        if score >= weight - 0.1 and read != text
    )
    return EncodingGuess(encoding, language, _sample(text), rivals[:3])


def _script(sign: str) -> str:
    name = unicodedata.name(sign, "")
    if name.startswith(("HIRAGANA", "KATAKANA")):
        return "kana"
    if name.startswith("HANGUL"):
        return "hangul"
    if name.startswith("CJK UNIFIED"):
        return "han"
    return "full" if name.startswith(("FULLWIDTH", "IDEOGRAPHIC", "CJK", "KATAKANA-")) else "other"


# The first bytes of the signs of the first, common level of an encoding.
_COMMON = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp932": (0x88, 0x97)}
_OTHER_COMMON = (0xB0, 0xCF)


def _common(text: str, encoding: str, script: str) -> float:
    """Which part of the wide signs are common ones of a script."""
    wide = [sign for sign in text if _script(sign) != "other"]
    first, last = _COMMON.get(encoding, _OTHER_COMMON)
    common = 0
    for sign in wide:
        if _script(sign) == script:
            common += first <= sign.encode(encoding)[0] <= last
    return common / len(wide) if wide else 0.0
