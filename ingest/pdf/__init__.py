"""How a PDF's page is read: guard, letters, what is seen of them, lines and columns, paragraphs, words, headings."""
