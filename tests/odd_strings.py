"""Strings of the kinds that have broken programs: what looks like a number, markup, code, and what Unicode allows."""

ODD_STRINGS = (
    *("undefined", "null", "NULL", "None", "nil", "true", "NaN", "Infinity", "-1", "0x0", "1e309", "1/0", "-0"),
    *("0..0", "9223372036854775808", "1,000.00", "１２３", "٠١٢", "½⅓", "²³", "1\u00a0000", "--", "-rf", "\\"),
    *("\\\\", "/dev/null", "'", "\"", "''", "\"; DROP TABLE documents; --", "' OR 1=1 --"),
    *("1'; SELECT pg_sleep(9)--", "%", "_", "* NEAR x", "a*b", "<script>alert(1)</script>"),
    *("<img src=x onerror=alert(1)>", "&lt;b&gt;", "<!--", "]]>", "{{7*7}}", "${jndi:ldap://x}", "%s%n%x", "{0}"),
    *("$(touch escaped)", "`touch escaped`", "; touch escaped", "| touch escaped", "../../etc/passwd"),
    *("C:\\con\\con", "aux", "file.txt%00.pdf", "=cmd|' /C calc'!A0", "@SUM(1)", "+1", "\u001b[31mred\u001b[0m"),
    *("a\u0000b", "\u0001\u0002\u007f", "\u0085\u2028\u2029", "\ufeff", "\ufffe", "\uffff", "\ud800", "a\udc80b"),
    *("\U000e0041\U000e0042", "\u202etxt.exe", "\u2066\u2069\u200b\u200d\u2060"),
    *("Z\u0338\u031b\u0353a\u0334\u0321\u035dl\u0335\u0330\u0360g\u0337\u0323\u0308o\u0336\u0324\u0358",),
    *("e\u0301 é", "ﬁ \ufdfd ﷺ", "ß İ ı ſ", "Ω\u2248ç\u221a\u222b", "ᚠᛇᚻ", "𝒳𝔶𝕫", "田中さん", "사회과학원"),
    *("ב\u05b0\u05bcר\u05b5אש\u05b4\u05c1ית", "م\u064fن\u064eاق\u064eش\u064eة\u064f"),
    *("\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308",),
    *("\U0001f1fa\U0001f1f8\U0001f1f7\U0001f1fa",),
    *("(\u256f\u00b0\u25a1\u00b0\uff09\u256f\ufe35 \u253b\u2501\u253b)", "(a+)+$", "[[:alpha:]", "\\p{L}"),
    *("(?<=a)", "NOT AND OR"),
)  # fmt: skip

# What a terminal obeys instead of showing it: control characters, marks of direction, halves of pairs.
OBEYED = "[\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
