"""Gold questions -> outcomes -> numbers one can trust, without a language model."""
