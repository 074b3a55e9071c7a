"""What could let somebody in, told by how it looks: tokens in every form they travel, keys, passwords, cookies.

Two looks before the patterns: fixed words, then :data:`CANDIDATE`, which engines use too. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Names under which a credential travels in a query, a form, a header dump or JSON.
_FIELD_NAMES = (
    r"(?:access_|refresh_|id_|auth_|service_|session_)?token|jwt|auth_ticket|ticket_id|ticket|api[_-]?key|x-api-key"
    r"|password|passwd|pwd|client[_-]?secret|secret[_-]?key|private_key|service_secret|jwt_secret(?:_key)?|secret|fernet_key"
)
_KEYS = (
    r"AIza[0-9A-Za-z_\-]{35}|ya29\.[0-9A-Za-z_\-.]{20,}|sk-[0-9A-Za-z_\-]{20,}|sk_(?:live|test)_[0-9A-Za-z]{16,}"
    r"|gh[pousr]_[0-9A-Za-z]{30,}|(?:AKIA|ASIA)[0-9A-Z]{16}|xox[abprs]-[0-9A-Za-z\-]{10,}|GOCSPX-[0-9A-Za-z_\-]{10,}"
)
# Names whose value is a secret whatever it looks like: a password may be a word.
_CHOSEN_NAMES = r"(?:passw(?:or)?d|(?<![A-Za-z0-9])(?:pwd|client[_-]?secret|secret[_-]?key|api[_-]?key))"
_USER, _USER_PASSWORD = r"://[^\s/?#@:\"'<>\\]*:", r"[^\s/@\"'<>\\]+"
# A JWT's header is JSON, so its base64url begins like this whatever the algorithm: {" is eyJ, { " is eyA, {\n is ewo.
_JWT_START = r"(?:eyJ|eyAi|ewog|ewoi|ewoJ)"
# The same, encoded once more, as browsers do for a subprotocol; and twice more, as a careless proxy does.
_ENCODED_JWT_START = r"(?:ZXlK|ZXlB|ZXdv|WlhsS|WlhsQ|Wlhkd)"

CANDIDATE = (
    # Words such as token and secret are common in logs; with a value behind them that holds a digit they are rare.
    r"(?i:\b(?:bearer|basic)\s+[A-Za-z._~+/=\-]*[0-9]|\bauthorization(?:\\?[\"'])?\s*[:=,]"
    r"|[?&;](?:" + _FIELD_NAMES + r")=|[\"'](?:" + _FIELD_NAMES + r")\\*[\"']\s*:"
    r"|(?:" + _FIELD_NAMES + r")\s*[=:]\s*[A-Za-z._~+/=\-]*[0-9]"
    r"|(?:passw(?:or)?d|pwd|client[_-]?secret|secret[_-]?key|api[_-]?key)\s*[=:]|\bcookie(?:\\*[\"'])?\s*[:=,]"
    r"|\b(?:jwt-auth|jwt|bearer|staging-auth)\.[A-Za-z0-9_\-.+/=~]{10})|PRIVATE KEY"
    r"|"
    + _USER
    + _USER_PASSWORD
    + r"@|"
    + _JWT_START
    + r"[A-Za-z0-9_\-]{12}|"
    + _ENCODED_JWT_START
    + r"[A-Za-z0-9_\-+/]{16}|"
    + _KEYS
)
"""RE2-compatible: a text that :func:`redact` would change matches this, or holds a remembered value."""

_candidate = re.compile(CANDIDATE)
# In lower case, one of these stands in every text that CANDIDATE matches.
_WORDS = (
    *("bearer", "basic", "authorization", "token", "jwt", "ticket", "passw", "pwd", "secret", "cookie", "key"),
    "staging-auth",
    *("eyj", "eyai", "ewo", "zxl", "zxdv", "wlh", "aiza", "ya29.", "sk-", "sk_live_", "sk_test_"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "akia", "asia", "xox", "gocspx-"),
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_DOT = r"(?:\.|%2[Ee])"
_WHOLE_JWT = re.compile(
    _JWT_START + r"[A-Za-z0-9_\-]{12,}" + _DOT + r"[A-Za-z0-9_\-]{12,}(?:" + _DOT + r"[A-Za-z0-9_\-]*)?"
)
# One segment is enough: a line cut in the middle of a token still holds its claims.
_CUT_JWT = re.compile(r"(?<![A-Za-z0-9_\-])" + _JWT_START + r"[A-Za-z0-9_\-]{12,}(?:" + _DOT + r"[A-Za-z0-9_\-]*){0,4}")
_ENCODED_JWT = re.compile(_ENCODED_JWT_START + r"[A-Za-z0-9_\-+/]{16,}(?:=|%3D){0,2}")
_SUBPROTOCOL = re.compile(r"(?i)\b((?:jwt-auth|jwt|bearer|staging-auth)\.)([A-Za-z0-9_\-.+/=~]{10,})")
_AUTHORIZATION = re.compile(
    r"(?i)(\bauthorization(?:\\?[\"'])?\s*[:=,]\s*(?:b?\\?[\"'])?)((?:bearer|basic|token)\s+)?([^\s\"'\\,;<>\])}]+)"
)
_BEARER = re.compile(r"(?i)(\b(?:bearer|basic)\s+)([A-Za-z0-9._~+/=\-]{8,})")
_QUERY = re.compile(r"(?i)([?&;](?:" + _FIELD_NAMES + r")=)([^&\s\"'<>\\;]+)")
_JSON = re.compile(r"(?i)((\\*[\"'])(?:" + _FIELD_NAMES + r")\2\s*:\s*\2)((?:(?!\2).)+?)(?=\2)", re.DOTALL)
_ASSIGNED = re.compile(r"(?i)(?<![A-Za-z0-9_\-])((?:" + _FIELD_NAMES + r")\s*[=:]\s*)([A-Za-z0-9._~+/=\-]{8,})")
# The value up to a quote where it begins with one, else up to where a value ends.
_QUOTED_PASSWORD = re.compile(
    r"(?i)(" + _CHOSEN_NAMES + r"\s*[=:]\s*[bru]?(\\*[\"']))(?!\s*[,:}\])])((?:(?!\2).)+?)(?=\2)",
    re.DOTALL,
)
_PASSWORD = re.compile(r"(?i)(" + _CHOSEN_NAMES + r"\s*([=:])\s*)([^\s\"'\\,;&<>()\[\]{}]+)")
# What stands where a password would, in messages and in source code.
_NO_PASSWORD = re.compile(
    r"(?i)none|null|nil|true|false|yes|no|ok|set|unset|empty|missing|required|invalid|incorrect|wrong|expired|changed"
    r"|reset|hidden|not|is|must|str|string|[*x.]+|(?:/|~|\.|\$|%|:|=|\{|<|env:|file:).*"
    r"|(?:self|cls|os|env|settings|config|args)\..*|\w*(?:passw(?:or)?d|pwd|secret|api_?key)\w*"
)
_USERINFO = re.compile(r"(" + _USER + r")(" + _USER_PASSWORD + r")@")
_PAIR = r"[^\s=;,\"'\\<>]+=[^\s;,\"'\\<>]*"
_COOKIE = re.compile(r"(?i)(\bcookie(?:\\*[\"'])?\s*[:=,]\s*(?:b?\\*[\"'])?)(" + _PAIR + r"(?:;\s*" + _PAIR + r")*)")
_COOKIE_VALUE = re.compile(r"([^\s=;]+)=([^\s;]+)")
_COOKIE_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "version", "priority"})
_KEY = re.compile(r"(?<![A-Za-z0-9_\-])(?:" + _KEYS + r")")

PATTERNS = (
    *(_PRIVATE_KEY, _WHOLE_JWT, _CUT_JWT, _ENCODED_JWT, _SUBPROTOCOL, _AUTHORIZATION, _BEARER, _QUERY, _JSON),
    *(_QUOTED_PASSWORD, _PASSWORD, _NO_PASSWORD, _USERINFO, _COOKIE, _COOKIE_VALUE, _ASSIGNED, _KEY),
)


def without_credentials(text: str) -> str:
    """The text with every credential that looks like one replaced by ``[redacted:KIND]``."""
    if not may_hold(text) or _candidate.search(text) is None:
        return text
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub("[redacted:key]", text)
    text = _WHOLE_JWT.sub("[redacted:jwt]", text)
    text = _CUT_JWT.sub("[redacted:jwt]", text)
    text = _ENCODED_JWT.sub("[redacted:jwt]", text)
    text = _SUBPROTOCOL.sub(_token_like("jwt"), text)
    text = _AUTHORIZATION.sub(_authorization, text)
    text = _BEARER.sub(_token_like("bearer"), text)
    text = _QUERY.sub(_always("token"), text)
    text = _JSON.sub(_json_value, text)
    text = _USERINFO.sub(_userinfo, text)
    text = _COOKIE.sub(_cookie, text)
    text = _QUOTED_PASSWORD.sub(_quoted_password, text)
    text = _PASSWORD.sub(_password, text)
    text = _ASSIGNED.sub(_token_like("token"), text)
    return _KEY.sub("[redacted:key]", text)


def may_hold(text: str) -> bool:
    """False where :data:`CANDIDATE` cannot match: fixed words are found fifty times faster than the pattern."""
    if not text.isascii():  # ignoring case, a pattern takes letters of other scripts for ours
        return True
    lowered = text.lower()
    for word in _WORDS:  # a loop is twice as fast as any() here
        if word in lowered:
            return True
    return "://" in text and "@" in text


def _is_token_like(value: str) -> bool:
    if value.startswith("[redacted") or "REDACTED" in value.upper():
        return False
    has_digit = any(character.isdigit() for character in value)
    has_letter = any(character.isalpha() for character in value)
    # A long run without a digit is a name (jwt.exceptions.InvalidAudienceError), not a token.
    return has_digit and has_letter and not re.fullmatch(r"[a-z_]+\d{0,2}(?:\.[A-Za-z_]+\d{0,2})*", value)


def _token_like(kind: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        return match.group(1) + f"[redacted:{kind}]" if _is_token_like(match.group(2)) else match.group(0)

    return replace


def _always(kind: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        kept = match.group(2).startswith("[redacted") or "REDACTED" in match.group(2)
        return match.group(0) if kept else match.group(1) + f"[redacted:{kind}]"

    return replace


def _json_value(match: re.Match[str]) -> str:
    value = match.group(3)
    kept = value.startswith("[redacted") or "REDACTED" in value or value.startswith("env:")
    if "pwd" in match.group(1).lower() and value[:1] in "/~":  # a working directory
        kept = True
    return match.group(0) if kept else match.group(1) + "[redacted:token]"


def _quoted_password(match: re.Match[str]) -> str:
    value = match.group(3)
    kept = "REDACTED" in value.upper() or _NO_PASSWORD.fullmatch(value) is not None
    return match.group(0) if kept else f"{match.group(1)}[redacted:password]"


def _password(match: re.Match[str]) -> str:
    name, sign, value = match.groups()
    kept = "REDACTED" in value.upper() or _NO_PASSWORD.fullmatch(value) is not None
    # After a colon prose is as likely as a value: "Password: please try again".
    is_prose = sign == ":" and not (re.search("[0-9]", value) and re.search("[A-Za-z]", value))
    return match.group(0) if kept or is_prose else f"{name}[redacted:password]"


def _userinfo(match: re.Match[str]) -> str:
    kept = "REDACTED" in match.group(2).upper() or set(match.group(2)) <= set("*.x")
    return match.group(0) if kept else f"{match.group(1)}[redacted:password]@"


def _cookie(match: re.Match[str]) -> str:
    def value(pair: re.Match[str]) -> str:
        kept = pair.group(1).lower() in _COOKIE_ATTRIBUTES or "REDACTED" in pair.group(2).upper()
        return pair.group(0) if kept else f"{pair.group(1)}=[redacted:cookie]"

    return match.group(1) + _COOKIE_VALUE.sub(value, match.group(2))


def _authorization(match: re.Match[str]) -> str:
    head, scheme, value = match.group(1), match.group(2) or "", match.group(3)
    if value.startswith("[redacted") or "REDACTED" in value:
        return match.group(0)
    # Prose such as "Authorization: required" carries no scheme and no digits.
    if not scheme and not _is_token_like(value):
        return match.group(0)
    return f"{head}{scheme}[redacted:bearer]"
