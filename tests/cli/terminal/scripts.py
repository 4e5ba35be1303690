"""Texts in many scripts, as people write them and as somebody would who wants to be taken for somebody else."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

FORGED: Final = "12:07        Bob │ the password is hunter2"

WORDS: Final = (
    *("hello", "Straße", "e\u0301te\u0301", "Ἀθῆναι", "Привет", "שָׁלוֹם", "مرحبا", "می\u200cخواهم", "नमस्ते", "क्‍ष", "நன்றி"),
    *("ధన్యవాదాలు", "ස්තුතියි", "ขอบคุณครับ", "ຂອບໃຈ", "ကျေးဇူးတင်ပါတယ်", "អរគុណ", "བཀྲ་ཤིས", "日本語", "カタカナ", "한국어"),
    *("\u1112\u1161\u11ab\u1100\u116e\u11a8", "ᠮᠣᠩᠭᠣᠯ", "አማርኛ", "ᏣᎳᎩ", "𝒻𝓇𝒶𝓀", "𐎠𐎡", "葛\U000e0100"),
    *("👩\u200d💻", "👍🏽", "🏽", "🇸🇪", "🇸", "❤\ufe0f", "1\ufe0f\u20e3", "\U0001fae9", "\U0001fa8e", "㉈"),
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    *("\u302e", "\u0903", "\u0e33", "䷀", "☰", "﷽", "⸻"),
    *("\u00a0", "\u2003", "\u3000", "\u2800", "─", "│", "https://example.org/x", "x", "12:07"),
)  # fmt: skip

TEXTS: Final = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.builds(lambda word, count: word * count, st.sampled_from(WORDS), st.integers(1, 40)),
        st.sampled_from([" ", "  ", "\n", "\t", FORGED, f"x{FORGED}"]),
        st.characters(exclude_categories=["Cs"]).map(lambda character: character * 30),
        st.text(st.characters(categories=["Mc", "Mn", "Sk", "So", "Cn"]), max_size=20),
    ),
    max_size=12,
).map("".join)
